import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');

/** Who may import whom. A room may always import itself. */
const MAY: Record<string, readonly string[]> = {
  'libs/normalizer': [],
  'libs/transport': ['libs/normalizer'],
  'libs/mail': ['libs/normalizer', 'libs/transport'],
  'libs/channels': ['libs/normalizer', 'libs/transport', 'libs/mail'],
  'libs/helpdesk': ['libs/normalizer', 'libs/transport', 'libs/mail'],
  'libs/database': [],
  'libs/identity': ['libs/normalizer', 'libs/transport', 'libs/database'],
  'libs/conversations': ['libs/normalizer', 'libs/database', 'libs/identity'],
  config: ['libs/normalizer', 'libs/transport'],
  'apps/widget': ['libs/channels'],
  'apps/demo': ['libs/normalizer'],
  'apps/gateway': [
    'libs/normalizer',
    'libs/transport',
    'libs/channels',
    'libs/helpdesk',
    'libs/database',
    'libs/identity',
    'libs/conversations',
    'config',
    'apps/demo',
  ],
};

interface Import {
  readonly from: string;
  readonly specifier: string;
  readonly typeOnly: boolean;
}

const files = ['apps', 'libs', 'config'].flatMap((folder) => sources(join(ROOT, folder)));
const shipped = files.filter((file) => !/\.spec\.tsx?$|\/testing\/|\/fixtures\//.test(file));
const imports = files.flatMap(importsOf);

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /\.(tsx?|mjs)$/.test(entry.name) ? [relative(ROOT, path)] : [];
  });
}

function importsOf(from: string): Import[] {
  const text = readFileSync(join(ROOT, from), 'utf8');
  const found = text.matchAll(/^\s*(?:import|export)\s+(type\s)?(?:[^'";]*?from\s+)?'([^']+)'|import\('([^']+)'\)/gm);
  return [...found].map(([, type, named, dynamic]) => ({
    from,
    specifier: (named ?? dynamic)!,
    typeOnly: type !== undefined,
  }));
}

const roomOf = (path: string): string => Object.keys(MAY).find((room) => path.startsWith(`${room}/`)) ?? path;

/** Where a specifier leads: a room with the path inside it, or null for a package. */
function target({ from, specifier }: Import): { room: string; path: string } | null {
  if (specifier.startsWith('.')) {
    const path = relative(ROOT, resolve(ROOT, dirname(from), specifier));
    return { room: roomOf(path), path };
  }
  const name = /^#([a-z]+)/.exec(specifier)?.[1];
  if (!name) return null;
  return { room: name === 'config' ? 'config' : `libs/${name}`, path: specifier };
}

describe('architecture', () => {
  it('reads the imports of the whole house', () => {
    expect(imports.length).toBeGreaterThan(100);
  });

  it('rooms import only the rooms below them', () => {
    const wrong = imports
      .filter(({ from }) => shipped.includes(from))
      .flatMap((entry) => {
        const to = target(entry);
        const room = roomOf(entry.from);
        return to && to.room !== room && !MAY[room]?.includes(to.room) ? [`${entry.from} -> ${entry.specifier}`] : [];
      });
    expect(wrong).toEqual([]);
  });

  it('rooms are entered by their index only', () => {
    const wrong = imports
      .filter(({ from }) => shipped.includes(from))
      .flatMap((entry) => {
        const to = target(entry);
        const room = roomOf(entry.from);
        const browser = room === 'apps/widget' && entry.typeOnly;
        const ownPage = entry.from.startsWith('apps/demo/page/') || to?.path === 'apps/demo/src/demo.module.js';
        return to && to.room !== room && entry.specifier.startsWith('.') && !browser && !ownPage
          ? [`${entry.from} -> ${entry.specifier}`]
          : [];
      });
    expect(wrong).toEqual([]);
  });

  it('Nest stays in the apps and in modules of libraries', () => {
    const wrong = imports.filter(
      ({ from, specifier }) =>
        specifier.startsWith('@nestjs/') && !from.startsWith('apps/') && !from.endsWith('.module.ts'),
    );
    expect(wrong).toEqual([]);
  });

  it('adapters and connectors import no other one, no database, no framework and no environment', () => {
    const folders = shipped.filter((file) => /^libs\/(channels|helpdesk)\/src\/(?!core\/|testing\/)[^/]+\//.test(file));
    const folderOf = (path: string) => path.split('/').slice(0, 4).join('/');
    // A folder without an adapter or connector of its name is what a family shares.
    const isShared = (folder: string) =>
      !files.some((file) => new RegExp(`^${folder}/[^/]+\\.(adapter|connector)\\.ts$`).test(file));
    const wrong = imports
      .filter(({ from }) => folders.includes(from))
      .filter((entry) => {
        const to = target(entry);
        const other =
          to?.path.startsWith('libs/') &&
          /^libs\/(channels|helpdesk)\/src\/(?!core\/|testing\/)[^/]+\//.test(to.path) &&
          folderOf(to.path) !== folderOf(entry.from) &&
          !isShared(folderOf(to.path));
        return (
          other ||
          /^(pg|typeorm|axios|undici|node:(fs|process|net|tls|http|https|child_process)|@nestjs)/.test(entry.specifier)
        );
      });
    expect(wrong).toEqual([]);
    expect(folders.filter((file) => /\bprocess\.env\b/.test(readFileSync(join(ROOT, file), 'utf8')))).toEqual([]);
  });

  it('CRM directories touch nothing but their context', () => {
    const folders = shipped.filter((file) => /^libs\/identity\/src\/crm\/(?!testing\/)[^/]+\//.test(file));
    const wrong = imports
      .filter(({ from }) => folders.includes(from))
      .filter(
        ({ specifier }) =>
          !/^(zod|#normalizer|#transport|\.\/[\w.-]+|\.\.\/(answer|crm-directory)\.js)$/.test(specifier),
      );
    expect(folders.length).toBeGreaterThan(5);
    expect(wrong).toEqual([]);
  });

  it('files stay short: 400 lines at most, 600 for tests', () => {
    const long = files.filter((file) => {
      const lines = readFileSync(join(ROOT, file), 'utf8').split('\n').length;
      return lines > (shipped.includes(file) ? 400 : 600);
    });
    expect(long).toEqual([]);
  });

  it('names say what things are', () => {
    const wrong = shipped.filter((file) => /(^|[/.-])(utils?|helpers?|common|misc|manager)([/.-]|$)/.test(file));
    expect(wrong).toEqual([]);
  });

  it('processes read the environment in the settings and the entry only', () => {
    const wrong = shipped.filter(
      (file) =>
        /\bprocess\.env\b/.test(readFileSync(join(ROOT, file), 'utf8')) &&
        !/^(config|apps\/gateway\/src\/main\.ts|apps\/gateway\/src\/ops)/.test(file) &&
        !file.startsWith('libs/database/src/testing'),
    );
    expect(wrong).toEqual([]);
  });
});
