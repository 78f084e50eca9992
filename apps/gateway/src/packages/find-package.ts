import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';

const Condition: z.ZodType<unknown> = z.unknown();
const Manifest = z.object({
  name: z.string(),
  version: z.string().default('0.0.0'),
  main: z.string().optional(),
  exports: Condition.optional(),
  peerDependencies: z.record(z.string(), z.string()).default({}),
});
export type Manifest = z.infer<typeof Manifest>;

/** An installed package. */
export interface Found {
  readonly folder: string;
  readonly manifest: Manifest;
  /** The file that importing the package by its name runs. */
  readonly entry: string;
}

/**
 * Finds a package as Node does, by its name in the `node_modules` of these folders and of those above them, or by a path that begins with a dot, from the
 * first folder. Null where it is not there. Throws where its `package.json` cannot be read.
 */
export async function findPackage(name: string, from: readonly string[]): Promise<Found | null> {
  for (const folder of name.startsWith('.')
    ? [resolve(from[0] ?? '.', name)]
    : from.flatMap((one) => places(name, one))) {
    const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => null);
    if (text === null) continue;
    const manifest = Manifest.parse(JSON.parse(text));
    return { folder, manifest, entry: join(folder, entryOf(manifest)) };
  }
  return null;
}

function places(name: string, from: string): string[] {
  const above = dirname(from);
  return [join(from, 'node_modules', name), ...(above === from ? [] : places(name, above))];
}

/** What `exports` gives to an import (https://nodejs.org/api/packages.html#package-entry-points), else `main`. */
function entryOf({ exports, main }: Manifest): string {
  return conditional(exports) ?? main ?? 'index.js';
}

function conditional(given: unknown): string | undefined {
  if (typeof given === 'string') return given;
  if (typeof given !== 'object' || given === null) return undefined;
  const members = given as Record<string, unknown>;
  for (const key of ['.', 'node', 'import', 'module-sync', 'default']) {
    const found = Object.hasOwn(members, key) ? conditional(members[key]) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}
