import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { removeFolder, temporaryFolder } from '../testing/temporary.js';
import { DamagedArchive, readTar, tarEnd, tarEntry } from './tar.js';

const FILES: Record<string, Buffer> = {
  'folder/': Buffer.alloc(0),
  'folder/empty': Buffer.alloc(0),
  'folder/一つ.txt': Buffer.from('x'.repeat(511)),
  exact: Buffer.alloc(1024, 'y'),
  large: Buffer.alloc(300_001, 'z'),
};

async function* one(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 70_000) yield bytes.subarray(at, at + 70_000);
}

async function* pack(files: Record<string, Buffer>): AsyncGenerator<Buffer> {
  for (const [name, bytes] of Object.entries(files)) yield* tarEntry({ name, size: bytes.length, body: one(bytes) });
  yield tarEnd();
}

async function unpack(bytes: Buffer, read: (name: string) => boolean = () => true): Promise<Record<string, Buffer>> {
  const found: Record<string, Buffer> = {};
  for await (const { name, body } of readTar(one(bytes)))
    found[name] = read(name) ? await buffer(body) : Buffer.alloc(0);
  return found;
}

describe('an archive', () => {
  let folder: string;
  beforeAll(async () => (folder = await temporaryFolder()));
  afterAll(() => removeFolder(folder));

  it('gives back what was put in, also where entries are skipped', async () => {
    const bytes = await buffer(pack(FILES));
    expect(bytes.length % 512).toBe(0);
    expect(await unpack(bytes)).toEqual(FILES);
    expect((await unpack(bytes, (name) => name === 'large'))['large']).toEqual(FILES['large']);
  });

  it('is read by the tar of the system, and reads what that made', async () => {
    writeFileSync(join(folder, 'ours.tar'), await buffer(pack(FILES)));
    mkdirSync(join(folder, 'out'));
    execFileSync('tar', ['xf', join(folder, 'ours.tar'), '-C', join(folder, 'out')]);
    for (const [name, bytes] of Object.entries(FILES))
      if (!name.endsWith('/')) expect(readFileSync(join(folder, 'out', name))).toEqual(bytes);
    const names = ['folder', 'exact', 'large'];
    execFileSync('tar', ['--format=ustar', '-cf', join(folder, 'theirs.tar'), '-C', join(folder, 'out'), ...names]);
    expect(await unpack(readFileSync(join(folder, 'theirs.tar')))).toEqual(FILES);
  });

  it('that is cut off or changed is called so', async () => {
    const bytes = await buffer(pack(FILES));
    for (const end of [100, 512, 2_000, bytes.length - 1_024])
      await expect(unpack(bytes.subarray(0, end))).rejects.toBeInstanceOf(DamagedArchive);
    bytes[3]! ^= 1;
    await expect(unpack(bytes)).rejects.toBeInstanceOf(DamagedArchive);
  });

  it('refuses a body of another size than was said, and names that do not fit', async () => {
    await expect(buffer(tarEntry({ name: 'x', size: 2, body: one(Buffer.from('abc')) }))).rejects.toThrow('3 bytes');
    await expect(buffer(tarEntry({ name: 'x'.repeat(101), size: 0, body: one(Buffer.alloc(0)) }))).rejects.toThrow(
      'too long',
    );
  });
});
