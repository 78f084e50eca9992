import { createServer, type Server } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Fetcher, Files, FileUrls, LocalFileStore, Store1700000000002 } from '#conversations';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { Identity1700000000001 } from '#identity';
import { newId } from '#normalizer';
import { guardedHttp } from '#transport';
import { ProviderMedia } from './provider-media.js';

describeOnEveryDatabase('an attachment of a provider', (open) => {
  let database: Database;
  let server: Server;
  let folder: string;
  let asked = 0;
  const http = guardedHttp({ allow: ['127.0.0.1/32'] });

  beforeAll(async () => {
    database = await open({ entities: [], migrations: [Identity1700000000001, Store1700000000002] });
    folder = await mkdtemp(join(tmpdir(), 'media-'));
    server = createServer((request, response) => {
      asked += 1;
      response.setHeader('content-type', 'text/plain').end('x'.repeat(request.url === '/large' ? 300_000 : 1_000));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    await http.close();
    server.close();
    await rm(folder, { recursive: true });
  });

  it.each([
    ['as large as it may be', '/right', 'ready'],
    ['larger than it may be', '/large', 'unavailable'],
  ])('that is %s is fetched once', async (_what, path, state) => {
    asked = 0;
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
    const id = newId('fil');
    await database.query(
      `insert into file (id, message_id, account_id, ref, mime_type, state, due_at) values ($1, 'msg_none', 'a', $2, 'text/plain', 'pending', now())`,
      [id, url],
    );
    const files = new Files({
      database,
      store: new LocalFileStore(folder),
      urls: new FileUrls('s', 'http://x'),
      maxBytes: 1_000,
    });
    const directory = { account: () => ({ adapter: {} }), adapterContext: () => ({ http }) } as never;
    const fetcher = new Fetcher({
      database,
      files,
      source: new ProviderMedia(directory, files.maxBytes),
      everyMs: 20,
      retryAfterS: [0, 0, 0],
    });
    fetcher.start();
    const now = async () =>
      (await database.query<{ state: string }>('select state from file where id = $1', [id]))[0]?.state;
    while ((await now()) === 'pending') await new Promise((resolve) => setTimeout(resolve, 10));
    await fetcher.stop();
    expect([await now(), asked]).toEqual([state, 1]);
  });

  it('that only another process can fetch is left to that one', async () => {
    const id = newId('fil');
    await database.query(
      `insert into file (id, message_id, account_id, ref, mime_type, state, due_at) values ($1, 'msg_none', 'phone', 'r', 'text/plain', 'pending', now())`,
      [id],
    );
    const fetched: unknown[] = [];
    const adapter = {
      ingress: { socket: { sends: true } },
      fetchMedia: async (ref: string, ctx: { session: unknown }) => {
        fetched.push([ref, ctx.session]);
        return { stream: Readable.from([Buffer.from('bytes')]) };
      },
    };
    const account = { id: 'phone', enabled: true, adapter };
    const media = new ProviderMedia(
      {
        account: () => account,
        accounts: () => [account],
        adapterContext: (_: unknown, given: object) => given,
      } as never,
      1_000,
    );
    expect(media.elsewhere()).toEqual([]);
    let held: { session: unknown } | undefined = undefined;
    media.over({ of: () => held });
    const files = new Files({
      database,
      store: new LocalFileStore(folder),
      urls: new FileUrls('s', 'http://x'),
      maxBytes: 1_000,
    });
    const fetcher = new Fetcher({ database, files, source: media, everyMs: 10, retryAfterS: [0] });
    fetcher.start();
    const now = async () =>
      (
        await database.query<{ state: string; attempts: number }>('select state, attempts from file where id = $1', [
          id,
        ])
      )[0];
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([await now(), fetched]).toEqual([{ state: 'pending', attempts: 0 }, []]);
    held = { session: 'the connection' };
    while ((await now())?.state === 'pending') await new Promise((resolve) => setTimeout(resolve, 10));
    await fetcher.stop();
    expect(fetched).toEqual([['r', 'the connection']]);
  });
});
