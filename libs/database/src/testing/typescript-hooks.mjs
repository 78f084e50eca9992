import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transform } from '@swc/core';
import jest from '../../../../jest.config.js';

const [, swc] = jest.projects[0].transform['^.+\\.ts$'];
const root = new URL('../../../../', import.meta.url);

/** Rooms lead to their sources, as in Jest, and `./x.js` to `./x.ts` where that is what there is. */
export function resolve(specifier, context, next) {
  const [, room, testing = ''] = /^#([a-z]+)(\/testing)?$/.exec(specifier) ?? [];
  if (room === 'config') return next(new URL('config/index.ts', root).href, context);
  if (room) return next(new URL(`libs/${room}/src${testing}/index.ts`, root).href, context);
  if (/^\.{1,2}\/.*\.js$/.test(specifier) && context.parentURL?.endsWith('.ts')) {
    const source = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL);
    if (existsSync(source)) return next(source.href, context);
  }
  return next(specifier, context);
}

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const filename = fileURLToPath(url);
  const { code } = await transform(await readFile(filename, 'utf8'), { ...swc, filename });
  return { format: 'module', source: code, shortCircuit: true };
}
