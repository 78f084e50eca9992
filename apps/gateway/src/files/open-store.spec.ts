import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Settings } from '#config';
import { openFileStore } from './open-store.js';

const s3 = { store: 's3', endpoint: 'http://127.0.0.1:9', bucket: 'b', region: 'r', accessKeyId: 'k', secretAccessKey: 's' }; // prettier-ignore
let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'open-store-'));
});
afterEach(() => rm(dataDir, { recursive: true }));

describe('files on their way in', () => {
  it.each([
    ['a local store', { store: 'local' }, 'files/.incoming'],
    ['a bucket', s3, 'incoming'],
  ])('to %s lie in the data folder, and go when a crash has left them', async (_, settings, expected) => {
    const open = () => openFileStore(settings as unknown as Settings['files'], dataDir);
    const { incoming } = open();
    expect(relative(dataDir, incoming)).toBe(expected);
    await mkdir(incoming, { recursive: true });
    for (const name of ['fresh', 'left']) await writeFile(join(incoming, name), 'x');
    await utimes(join(incoming, 'left'), new Date(0), new Date(0));
    open();
    while ((await readdir(incoming)).length > 1) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await readdir(incoming)).toEqual(['fresh']);
  });
});
