import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Fastify from 'fastify';
import { BuiltFile } from './built-file.js';

describe('BuiltFile', () => {
  const server = Fastify();
  let path: string;
  beforeAll(async () => {
    path = join(await mkdtemp(join(tmpdir(), 'built-')), 'widget.js');
    const file = new BuiltFile(path, {
      'content-type': 'text/javascript; charset=utf-8',
      'access-control-allow-origin': '*',
    });
    server.get('/widget.js', (request, reply) => file.send(request, reply));
    server.setErrorHandler((error, _request, reply) =>
      reply.status((error as { status?: number }).status ?? 500).send(),
    );
  });
  afterAll(async () => {
    await server.close();
    await rm(join(path, '..'), { recursive: true });
  });
  const get = (headers: Record<string, string> = {}) => server.inject({ url: '/widget.js', headers });

  it('is served as it was built, compressed where that is taken, once per change', async () => {
    expect((await get()).statusCode).toBe(404);
    await writeFile(path, 'first()');
    const plain = await get();
    expect([plain.payload, plain.headers['content-encoding'], plain.headers.vary]).toEqual([
      'first()',
      undefined,
      'accept-encoding',
    ]);
    const zipped = await get({ 'accept-encoding': 'br, gzip' });
    expect(gunzipSync(zipped.rawPayload).toString()).toBe('first()');
    const { etag } = plain.headers;
    expect((await get({ 'if-none-match': String(etag) })).statusCode).toBe(304);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await writeFile(path, 'second()');
    const changed = await get({ 'if-none-match': String(etag) });
    expect([changed.statusCode, changed.payload]).toEqual([200, 'second()']);
  });
});
