import { createReadStream, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { createGunzip } from 'node:zlib';
import { readTar, tarEnd, tarEntry } from '../archive/tar.js';

const CHUNK = 1024 * 1024;

/**
 * Where the build leaves a new, empty database, packed: to unpack one takes a tenth of the time of making one, and none of its memory. One of
 * another version of PGlite has another name.
 */
export function seedFile(): string {
  const asSource = import.meta.url.endsWith('.ts');
  const folder = fileURLToPath(new URL(`../../../../${asSource ? 'dist/' : ''}seed/`, import.meta.url));
  return join(folder, `pglite-${pgliteVersion()}.tar.gz`);
}

/** Unpacks the seed into `folder`, which must not exist yet. It is not on the disk yet when this resolves. False where the build left none. */
export async function unpackSeed(folder: string, seed = seedFile()): Promise<boolean> {
  if (!existsSync(seed)) return false;
  mkdirSync(folder, { mode: 0o700 });
  const archive = createReadStream(seed, { highWaterMark: CHUNK }).pipe(createGunzip({ chunkSize: CHUNK }));
  for await (const { name, body } of readTar(archive)) {
    const path = join(folder, name);
    if (name.endsWith('/')) mkdirSync(path, { recursive: true, mode: 0o700 });
    else writeFileSync(path, await buffer(body), { mode: 0o600, flag: 'wx' });
  }
  return true;
}

/** The files below `folder` as an archive. */
export async function* packFolder(folder: string): AsyncGenerator<Buffer> {
  const items = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const item of items) {
    const path = join(item.parentPath, item.name);
    const name = path.slice(folder.length + 1).replaceAll('\\', '/');
    const bytes = item.isDirectory() ? Buffer.alloc(0) : await readFile(path);
    yield* tarEntry({ name: item.isDirectory() ? `${name}/` : name, size: bytes.length, body: only(bytes) });
  }
  yield tarEnd();
}

async function* only(bytes: Buffer): AsyncGenerator<Buffer> {
  if (bytes.length > 0) yield bytes;
}

/** The version of the engine, which a data folder made by it fits to. */
export function pgliteVersion(): string {
  const require = createRequire(import.meta.url);
  const manifest = join(dirname(require.resolve('@electric-sql/pglite')), '..', 'package.json');
  return (require(manifest) as { version: string }).version;
}
