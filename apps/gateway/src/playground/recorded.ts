import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describeSettings, type SettingField } from '#normalizer';
import { RecordedRequest } from '#transport';
import type { z } from 'zod';

/** A request that a channel's fixtures hold. */
export interface Recorded {
  readonly name: string;
  readonly request: RecordedRequest;
}

/**
 * The recorded requests of a channel: they stand beside its sources, below the root of the repository, so an installation without sources has none. A file that
 * is no recorded request, or not yet, is passed over.
 */
export async function recordedOf(type: string, from = root()): Promise<Recorded[]> {
  const folder = join(from, 'libs/channels/src', type, 'fixtures');
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json')).sort();
  const read = names.map(async (name): Promise<Recorded[]> => {
    const request = RecordedRequest.safeParse(jsonIn(await readFile(join(folder, name), 'utf8')));
    return request.success && Object.keys(request.data).length > 0
      ? [{ name: name.slice(0, -5), request: request.data }]
      : [];
  });
  return (await Promise.all(read)).flat();
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function root(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}

/** Settings to begin with: what is required, with something in its place. */
export function sampleSettings(schema: z.ZodType): Record<string, unknown> {
  return sample(describeSettings(schema));
}

function sample(fields: readonly SettingField[]): Record<string, unknown> {
  return Object.fromEntries(fields.filter(({ required }) => required).map((field) => [field.name, valueOf(field)]));
}

function valueOf({ type, enum: values, fields = [], name }: SettingField): unknown {
  if (values) return values[0];
  const empty = {
    string: `a ${name}`,
    number: 1,
    boolean: false,
    object: sample(fields),
    list: [],
    map: {},
    any: null,
  };
  return empty[type];
}
