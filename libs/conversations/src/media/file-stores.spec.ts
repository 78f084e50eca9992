import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Sql } from '#database';
import { newId } from '#normalizer';
import { FileMissing, storageKey, type FileStore } from './file-store.js';
import { FileUrls } from './file-urls.js';
import { Files } from './files.js';
import { LocalFileStore } from './local-file-store.js';
import { S3FileStore } from './s3-file-store.js';
import { spool, sweepIncoming } from './spool.js';

/** As much of S3 as is used: signed requests, checked digests, ranges. The first PUT is answered 503. */
function fakeS3(objects: Map<string, Buffer>): Server {
  let refuse = true;
  return createServer((request, response) => {
    void buffer(request).then((body) => {
      const sha256 = createHash('sha256').update(body).digest('hex');
      const signed = request.headers.authorization?.startsWith('AWS4-HMAC-SHA256 Credential=key/') ?? false;
      const whole = request.method !== 'PUT' || request.headers['content-length'] === String(body.length);
      if (!signed || !whole || request.headers['x-amz-content-sha256'] !== sha256) return response.writeHead(400).end();
      const key = request.url!;
      if (request.method === 'PUT' && refuse) return ((refuse = false), response.writeHead(503).end());
      if (request.method === 'PUT') return (objects.set(key, body), response.end());
      if (request.method === 'DELETE') return (objects.delete(key), response.writeHead(204).end());
      const object = objects.get(key);
      if (!object) return response.writeHead(404).end();
      const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
      return response.end(range ? object.subarray(Number(range[1]), Number(range[2]) + 1) : object);
    });
  });
}

let folder: string;
let server: Server;
const objects = new Map<string, Buffer>();
const stores: Record<string, () => FileStore> = {
  'local disk': () => new LocalFileStore(join(folder, 'files')),
  S3: () =>
    new S3FileStore(
      {
        endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        bucket: 'bucket',
        region: 'us-east-1',
        accessKeyId: 'key',
        secretAccessKey: 'secret',
        prefix: 'tributary/',
      },
      join(folder, 's3-incoming'),
    ),
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'files-'));
  server = fakeS3(objects).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

describe.each(Object.keys(stores))('a file store on %s', (name) => {
  it('keeps bytes, gives ranges of them, and forgets them', async () => {
    const store = stores[name]!();
    const key = storageKey(newId('fil'));
    const content = Buffer.from('0123456789'.repeat(10_000));
    const spooled = await spool(Readable.from([content]), store.incoming, 1_000_000);
    await store.put(key, spooled.path, spooled);
    expect(await buffer(await store.open(key))).toEqual(content);
    expect((await buffer(await store.open(key, { start: 3, end: 5 }))).toString()).toBe('345');
    expect(await readdir(store.incoming)).toEqual([]);
    await store.remove(key);
    await store.remove(key);
    await expect(store.open(key)).rejects.toThrow(FileMissing);
  });
});

describe('storageKey', () => {
  it('takes nothing but ids of files', () => {
    expect(() => storageKey('../../etc/passwd')).toThrow(RangeError);
    expect(() => storageKey('fil_x')).toThrow(RangeError);
    expect(storageKey(`fil_${'0'.repeat(28)}abcd`)).toBe(`cd/ab/fil_${'0'.repeat(28)}abcd`);
  });
});

describe('spool', () => {
  it('stops at the cap, refuses nothing at all, and leaves nothing behind', async () => {
    const incoming = join(folder, 'spool');
    let read = 0;
    const endless = Readable.from(
      (function* () {
        for (;;) yield ((read += 1_000), Buffer.alloc(1_000));
      })(),
    );
    await expect(spool(endless, incoming, 10_000)).rejects.toMatchObject({ code: 'too-large' });
    expect(read).toBeLessThan(40_000);
    expect(endless.destroyed).toBe(true);
    await expect(spool(Buffer.alloc(0), incoming, 10)).rejects.toMatchObject({ code: 'empty' });
    const broken = new Readable({ read() { this.destroy(new Error('cut off')); } }); // prettier-ignore
    await expect(spool(broken, incoming, 10)).rejects.toThrow('cut off');
    expect(await readdir(incoming)).toEqual([]);
  });

  it('tells size and digest, and takes a file of exactly the cap', async () => {
    const spooled = await spool(Buffer.from('abc'), join(folder, 'spool'), 3);
    expect(spooled.bytes).toBe(3);
    expect(spooled.sha256).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect((await readFile(spooled.path)).toString()).toBe('abc');
    await rm(spooled.path);
  });

  it('is swept of what a crash left', async () => {
    const incoming = join(folder, 'swept');
    const { path } = await spool(Buffer.from('old'), incoming, 10);
    await utimes(path, new Date(0), new Date(0));
    await writeFile(join(incoming, 'fresh'), 'fresh');
    await sweepIncoming(incoming, Date.now());
    expect(await readdir(incoming)).toEqual(['fresh']);
  });
});

describe('Files.store', () => {
  it('keeps no bytes that it cannot record', async () => {
    const home = join(folder, 'unrecorded');
    const broken: Sql = { query: () => Promise.reject(new Error('the database is away')) };
    const urls = new FileUrls('secret', '');
    const files = new Files({ database: broken, store: new LocalFileStore(home), urls, maxBytes: 1_000 });
    await expect(files.store(broken, Buffer.from('bytes'))).rejects.toThrow('the database is away');
    const left = await readdir(home, { recursive: true, withFileTypes: true });
    expect(left.filter((entry) => entry.isFile())).toEqual([]);
  });
});
