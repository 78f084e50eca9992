import { keepSecrets, mapSecrets, maskSecrets, parseWith, InvalidInput, unknownKeys } from '#normalizer';
import type { z } from 'zod';
import type { Vault } from './vault.js';

/** Settings of one account or destination, as given: before the schema's defaults and transformations. */
export type Config = Record<string, unknown>;

/** The secrets in the settings of one table's rows: sealed in the store, open in the process, masked before people. */
export class ConfigSeal {
  constructor(
    private readonly vault: Vault,
    private readonly table: 'account' | 'destination',
  ) {}

  seal(schema: z.ZodType, id: string, config: Config): Config {
    return mapSecrets(schema, config, (secret, path) => this.vault.seal(secret, this.place(id, path)));
  }

  /** Throws `Unsealable`. */
  open(schema: z.ZodType, id: string, sealed: Config): Config {
    return mapSecrets(schema, sealed, (secret, path) => this.vault.open(secret, this.place(id, path)));
  }

  /** The same sealed with the present key, or undefined where that is so already. */
  renew(schema: z.ZodType, id: string, sealed: Config): Config | undefined {
    let stale = false;
    const renewed = mapSecrets(schema, sealed, (secret, path) => {
      if (!this.vault.isStale(secret)) return secret;
      stale = true;
      return this.vault.seal(this.vault.open(secret, this.place(id, path)), this.place(id, path));
    });
    return stale ? renewed : undefined;
  }

  private place(id: string, path: string) {
    return { table: this.table, id, field: `config.${path}` };
  }
}

/** Settings as they are once they were stored as JSON. */
export function plain(config: Config | undefined): Config {
  return JSON.parse(JSON.stringify(config ?? {})) as Config;
}

/** Secrets as `"***"`. */
export function maskConfig(schema: z.ZodType, config: Config): Config {
  return maskSecrets(schema, config);
}

/** What a change makes of the settings: members that are given replace the old ones, null removes one, `"***"` keeps a secret. Throws `InvalidInput`. */
export function changeConfig(schema: z.ZodType, old: Config, change: Config): Config {
  const merged = Object.entries({ ...old, ...change }).filter(([, value]) => value !== null);
  return under(() => keepSecrets(schema, Object.fromEntries(merged), old));
}

/** Checks settings against their schema, which must know every key of them. Throws `InvalidInput` whose paths begin with `config`. */
export function checkConfig(schema: z.ZodType, config: Config): void {
  const unknown = unknownKeys(schema, config).map(({ path, meant }) => ({
    path: path.map(String).join('.'),
    message: `is not a known key${meant ? `; did you mean "${meant}"?` : ''}`,
  }));
  under(() => {
    if (unknown.length > 0) throw new InvalidInput(unknown);
    parseWith(schema, config);
  });
}

function under<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    throw new InvalidInput(
      error.errors.map(({ path, message }) => ({ path: path ? `config.${path}` : 'config', message })),
    );
  }
}
