import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { z } from 'zod';
import { readEnvironment, type Environment } from './environment.js';
import { nearest, unknownKeys } from '#normalizer';
import { explain } from './explain.js';
import { keyText, type Problem, SettingsError } from './problem.js';
import { SettingsFile, type AccountSettings, type DestinationSettings } from './schema.js';
import { YamlSource } from './yaml-source.js';

/** Everything that the process is told from outside: the file, with the environment's word above it. */
export interface Settings extends Omit<SettingsFile, 'publicUrl'> {
  /** The settings file that was read. */
  readonly file: string;
  readonly host: string;
  readonly port: number;
  /** Without a slash at its end. Built from host and port where nothing was set; never from a request. */
  readonly publicUrl: string;
  readonly dataDir: string;
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly adminKey: string | undefined;
  readonly secretKey: string | undefined;
  readonly previousSecretKey: string | undefined;
}

/** The settings schema of each type of channel or ticket system. */
export type ConfigSchemas = Readonly<Record<string, z.ZodType>>;

export interface LoadOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly channels: ConfigSchemas;
  readonly connectors: ConfigSchemas;
  readonly crms?: ConfigSchemas;
}

/** The settings file, and the packages that it names: what has to be loaded before the rest of it can be checked, which finds what is wrong. */
export function readPackages(env: NodeJS.ProcessEnv): { readonly file: string; readonly packages: readonly string[] } {
  const { TRIBUTARY_CONFIG: file } = readEnvironment(env, []);
  try {
    const given = new YamlSource(readFileSync(file, 'utf8'), env).data();
    return {
      file,
      packages: SettingsFile.pick({ packages: true })
        .loose()
        .parse(given ?? {}).packages,
    };
  } catch {
    return { file, packages: [] };
  }
}

/** Reads environment and settings file. Throws `SettingsError` that lists everything wrong with both. */
export function loadSettings({ env, channels, connectors, crms }: LoadOptions): Settings {
  const problems: Problem[] = [];
  const environment = readEnvironment(env, problems);
  const file = environment.TRIBUTARY_CONFIG;
  const short = relative(process.cwd(), file);
  const shown = short.startsWith('..') ? file : short;
  const reader = new Reader(readText(file, shown), env);
  const settings = reader.settings({ channels, connectors, ...(crms && { crms }) });
  const all = [...problems, ...reader.problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0))];
  if (all.length > 0 || !settings) throw new SettingsError(shown, all);
  return combine(settings, environment);
}

function readText(file: string, shown: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === 'ENOENT'
        ? 'there is no such file'
        : `it cannot be read (${(error as Error).message})`;
    throw new SettingsError(shown, [
      { key: 'TRIBUTARY_CONFIG', line: null, expected: `expected a settings file at ${shown}: ${reason}` },
    ]);
  }
}

function combine(file: SettingsFile, env: Environment): Settings {
  return {
    ...file,
    file: env.TRIBUTARY_CONFIG,
    host: env.HOST,
    port: env.PORT,
    publicUrl: env.PUBLIC_URL ?? file.publicUrl ?? listeningUrl(env.HOST, env.PORT),
    dataDir: env.DATA_DIR,
    databaseUrl: env.DATABASE_URL,
    redisUrl: env.REDIS_URL,
    logLevel: env.LOG_LEVEL ?? file.logLevel,
    adminKey: env.TRIBUTARY_ADMIN_KEY,
    secretKey: env.TRIBUTARY_SECRET_KEY,
    previousSecretKey: env.TRIBUTARY_SECRET_KEY_PREVIOUS,
  };
}

/** The address under which a browser on this machine reaches a listener. */
export function listeningUrl(host: string, port: number): string {
  const name = ['0.0.0.0', '::', ''].includes(host) ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}`;
}

class Reader {
  readonly problems: Problem[];
  private readonly source: YamlSource;

  constructor(text: string, env: NodeJS.ProcessEnv) {
    this.source = new YamlSource(text, env);
    this.problems = this.source.problems;
  }

  settings(schemas: Omit<LoadOptions, 'env'>): SettingsFile | undefined {
    if (this.problems.some(({ key }) => key === '')) return undefined;
    const data = this.source.data() ?? {};
    const parsed = this.check(SettingsFile, data, []) as SettingsFile | undefined;
    const entries = (parsed ?? data) as Partial<Record<'accounts' | 'destinations' | 'crm', unknown>>;
    this.entries(entries.accounts, { at: 'accounts', what: 'channel', schemas: schemas.channels });
    this.entries(entries.destinations, {
      at: 'destinations',
      what: 'kind of destination',
      schemas: schemas.connectors,
    });
    this.entry(entries.crm, ['crm'], { what: 'CRM', schemas: schemas.crms ?? {} });
    return parsed;
  }

  private entries(list: unknown, { at, what, schemas }: { at: string; what: string; schemas: ConfigSchemas }): void {
    if (!Array.isArray(list)) return;
    const seen = new Map<string, number>();
    list.forEach((entry: Partial<AccountSettings | DestinationSettings> | null, i) => {
      if (typeof entry?.id === 'string') {
        const first = seen.get(entry.id);
        if (first !== undefined) this.report([at, i, 'id'], `expected an id of its own; ${at}[${first}] has the same`);
        else seen.set(entry.id, i);
      }
      this.entry(entry, [at, i], { what, schemas });
    });
  }

  /** The settings of something that is of a type. */
  private entry(
    given: unknown,
    at: readonly PropertyKey[],
    { what, schemas }: { what: string; schemas: ConfigSchemas },
  ): void {
    const { type, config } = (given ?? {}) as { type?: unknown; config?: unknown };
    if (typeof type !== 'string') return;
    const schema = Object.hasOwn(schemas, type) ? schemas[type] : undefined;
    if (!schema) return this.report([...at, 'type'], unknownType(type, what, Object.keys(schemas)));
    this.check(schema, config ?? {}, [...at, 'config']);
  }

  /** What the schema makes of the data, or undefined with every problem noted. Text from the environment stands for numbers where one is expected. */
  private check(schema: z.ZodType, data: unknown, base: readonly PropertyKey[]): unknown {
    let result = schema.safeParse(data, { error: explain });
    const issues = result.error?.issues ?? [];
    if (issues.map((issue) => this.convert(issue, data, base)).some(Boolean))
      result = schema.safeParse(data, { error: explain });
    for (const { path, meant } of unknownKeys(schema, data)) {
      this.report([...base, ...path], `is not a known key${meant ? `; did you mean "${meant}"?` : ''}`);
    }
    for (const issue of result.error?.issues ?? []) {
      if (issue.code !== 'unrecognized_keys') this.report([...base, ...issue.path], issue.message);
    }
    return result.data;
  }

  private convert(issue: z.core.$ZodIssue, data: unknown, base: readonly PropertyKey[]): boolean {
    if (issue.code !== 'invalid_type' || !this.source.fromEnvironment([...base, ...issue.path])) return false;
    const holder = issue.path
      .slice(0, -1)
      .reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown>)[key], data) as Record<PropertyKey, unknown>;
    const key = issue.path.at(-1)!;
    const text = String(holder[key]).trim();
    const value =
      { true: true, false: false }[text] ?? (text !== '' && Number.isFinite(Number(text)) ? Number(text) : text);
    holder[key] = value;
    return value !== text;
  }

  private report(path: readonly PropertyKey[], expected: string): void {
    const key = keyText(path);
    if (this.problems.some((problem) => problem.key === key)) return;
    this.problems.push({ key, line: this.source.line(path), expected });
  }
}

function unknownType(given: string, what: string, known: readonly string[]): string {
  const meant = nearest(given, known);
  return `expected a ${what} that exists${meant ? `; did you mean "${meant}"?` : ''} (known: ${[...known].sort().join(', ') || 'none'})`;
}
