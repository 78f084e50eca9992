import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Files, FileUrls, LocalFileStore } from '#conversations';
import type { Sql } from '#database';
import fastify, { type FastifyInstance } from 'fastify';
import { Refusal } from '../api/core/problem.js';
import { cutSlowRequests } from './slow-requests.js';
import { acceptUploads, receiveUpload } from './uploads.js';

let server: FastifyInstance;
let folder: string;
let client: Socket;
let heard: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slow-'));
  const urls = new FileUrls('secret', '');
  const files = new Files({ database: {} as Sql, store: new LocalFileStore(folder), urls, maxBytes: 1_000 });
  server = fastify();
  cutSlowRequests(server, { bodyMs: 100, lingerMs: 200 });
  await acceptUploads(server);
  server.setErrorHandler((error, _, reply) => reply.status(error instanceof Refusal ? error.status : 500).send());
  server.post('/json', () => 'read');
  server.post('/upload', (request) => receiveUpload(files, request, {}));
  server.post('/keyless', () => {
    throw new Refusal('unauthenticated', 'no key');
  });
  await server.listen({ port: 0, host: '127.0.0.1' });
  client = connect((server.server.address() as AddressInfo).port, '127.0.0.1');
  heard = '';
  client.on('error', () => undefined).on('data', (data) => (heard += String(data)));
});
afterEach(async () => {
  client.destroy();
  server.server.closeAllConnections();
  await server.close();
  await rm(folder, { recursive: true });
});

const FORM = 'Content-Type: multipart/form-data; boundary=b\r\n';
const PART = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n';
const post = (path: string, headers: string, body = '') =>
  client.write(`POST ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n${body}`);
const drip = (text: string, ms: number) => {
  const timer = setInterval(() => client.write(text), ms);
  client.once('close', () => clearInterval(timer));
};
/** Without regard to errors: whoever is cut while it is still sending is reset. */
const next = (event: 'data' | 'close') => new Promise<void>((resolve) => client.once(event, () => resolve()));
const status = async () => {
  while (!heard.includes('\r\n\r\n')) await next('data');
  return heard.slice(9, 12);
};

describe('a request that does not end', () => {
  it('is cut', async () => {
    post('/json', 'Content-Type: application/json\r\nContent-Length: 10000\r\n', '{');
    drip(' ', 10);
    await next('close');
    expect(heard).toBe('');
  });

  it.each([
    ['/upload', '413'],
    ['/keyless', '401'],
  ])('is cut once it was refused: %s', async (path, expected) => {
    post(path, `${FORM}Content-Length: 9000000000\r\n`, PART + 'x'.repeat(2_000));
    drip('x'.repeat(1_000), 5);
    expect(await status()).toBe(expected);
    await next('close');
  });
});

describe('a request that ends', () => {
  it('may take longer where it is an upload', async () => {
    post('/upload', `${FORM}Content-Length: ${PART.length + 14}\r\n`, PART);
    setTimeout(() => client.write('slowly\r\n--b--'), 300);
    setTimeout(() => client.write('\r\n'), 310);
    expect(await status()).toBe('200');
  });

  it('leaves its connection as it is, even where it was refused before', async () => {
    post('/upload', `${FORM}Content-Length: ${PART.length + 70_000}\r\n`, PART + 'x'.repeat(2_000));
    expect(await status()).toBe('413');
    client.write('x'.repeat(68_000));
    await new Promise((resolve) => setTimeout(resolve, 400));
    heard = '';
    post('/json', 'Content-Type: application/json\r\nContent-Length: 2\r\n', '{}');
    expect(await status()).toBe('200');
  });
});
