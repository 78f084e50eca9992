import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Files, FileUrls, LocalFileStore, type FileRow } from '#conversations';
import type { Database } from '#database';
import { Controller, Global, Inject, Module, Post, Req } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { FastifyRequest } from 'fastify';
import { ProblemFilter } from '../api/core/problem.filter.js';
import { DATABASE, LOGGER } from '../tokens.js';
import { FileWaiting } from './file-waiting.js';
import { FilesModule } from './files.module.js';
import { receiveUpload } from './uploads.js';

/** Table `file`, and nothing else of a database. */
class Rows {
  readonly rows = new Map<string, FileRow>();
  private readonly listeners = new Set<(id: string) => void>();
  query(statement: { name: string }, values: unknown[]) {
    if (statement.name === 'file_find') {
      return Promise.resolve((values[0] as string[]).flatMap((id) => this.rows.get(id) ?? []));
    }
    const [id, , mimeType, bytes, name, width, height, sha256] = values as string[];
    this.rows.set(
      id as string,
      { id, mimeType, bytes, name, width, height, sha256, state: 'ready' } as unknown as FileRow,
    );
    return Promise.resolve([]);
  }
  hint(_: string, id: string) {
    this.listeners.forEach((listener) => listener(id));
  }
  onHint(_: string, listener: (id: string) => void) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

@Controller('upload')
class UploadController {
  constructor(@Inject(Files) private readonly files: Files) {}
  @Post()
  upload(@Req() request: FastifyRequest) {
    return receiveUpload(this.files, request, { maxBytes: 500 });
  }
}

const rows = new Rows();
const database = rows as unknown as Database;
const logged: unknown[] = [];
const note = (...args: unknown[]) => logged.push(args);
let folder: string;
let app: NestFastifyApplication;
let files: Files;
let urls: FileUrls;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'download-'));
  urls = new FileUrls('secret', '');
  files = new Files({ database, store: new LocalFileStore(folder), urls, maxBytes: 100_000 });
  const providers = [
    { provide: DATABASE, useValue: database },
    { provide: LOGGER, useValue: { error: note, warn: note } },
    { provide: Files, useValue: files },
    { provide: FileUrls, useValue: urls },
    { provide: APP_FILTER, useClass: ProblemFilter },
  ];
  @Global()
  @Module({ providers, exports: [DATABASE, LOGGER, Files, FileUrls] })
  class Everything {}
  @Module({ imports: [Everything, FilesModule], controllers: [UploadController] })
  class App {}
  const testing = await Test.createTestingModule({ imports: [App] })
    .overrideProvider(FileWaiting)
    .useValue(new FileWaiting(database, files, 500))
    .compile();
  app = testing.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
  await app.init();
});
afterAll(async () => {
  await app.close();
  await rm(folder, { recursive: true });
});

const text = Buffer.from('0123456789');
const store = (content: Buffer, name: string) => files.store(database, content, { name });
const get = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers });

describe('GET /files/{id}', () => {
  it('shows pictures, and saves everything else, harmless in any case', async () => {
    const gif = Buffer.from(
      '47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b',
      'hex',
    );
    const picture = await get((await store(gif, 'a.gif')).url);
    expect(picture.headers).toMatchObject({
      'content-type': 'image/gif',
      'content-disposition': expect.stringMatching(/^inline;/) as unknown,
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'cross-origin',
      'content-length': String(gif.length),
    });
    expect(picture.headers['content-security-policy']).toContain('sandbox');
    expect(picture.rawPayload).toEqual(gif);
    for (const [content, type] of [
      ['<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', 'application/octet-stream'],
      ['<!doctype html><script>alert(1)</script>', 'application/octet-stream'],
      ['<?xml version="1.0"?><x/>', 'application/octet-stream'],
      ['just text', 'text/plain; charset=utf-8'],
    ] as const) {
      const answer = await get((await store(Buffer.from(content), 'x.html')).url);
      expect([answer.headers['content-type'], answer.headers['content-disposition']]).toEqual([
        type,
        expect.stringMatching(/^attachment;/),
      ]);
    }
  });

  it('gives names of every script, and never a header of its own', async () => {
    const { url } = await store(text, '报"表\r\nSet-Cookie: x=1; 2.txt');
    const answer = await get(url);
    expect(answer.headers['content-disposition']).toBe(
      `attachment; filename="_____Set-Cookie_ x=1; 2.txt"; filename*=UTF-8''%E6%8A%A5_%E8%A1%A8Set-Cookie_%20x%3D1%3B%202.txt`.replace(
        '_____',
        '___',
      ),
    );
    expect(answer.headers['set-cookie']).toBeUndefined();
  });

  it('refuses every address that was not given out', async () => {
    const { url, id } = await store(text, 'a.txt');
    const other = await store(text, 'b.txt');
    for (const bad of [
      url.replace(/sig=.{3}/, 'sig=AAA'),
      url.replace(/exp=\d/, 'exp=9'),
      url.replace(id, other.id),
      `/files/${id}`,
      `${url}&sig=x`,
      `/files/..%2f..%2fetc%2fpasswd?exp=1&sig=x`,
    ]) {
      const answer = await get(bad);
      expect([bad, answer.statusCode, answer.json<{ code: string }>().code]).toEqual([bad, 403, 'forbidden']);
    }
    const old = new FileUrls('secret', '', () => Date.now() - 7 * 86_400_000).sign(id);
    expect((await get(old)).json()).toMatchObject({
      status: 403,
      detail: expect.stringContaining('expired') as unknown,
    });
    expect((await get(urls.sign(`fil_${'0'.repeat(32)}`))).statusCode).toBe(404);
  });

  it('gives ranges, and nothing twice', async () => {
    const { url } = await store(text, 'a.txt');
    const { headers } = await get(url);
    const range = async (value: string, more = {}) => {
      const answer = await get(url, { range: value, ...more });
      return [answer.statusCode, answer.headers['content-range'], answer.payload];
    };
    expect(await range('bytes=2-4')).toEqual([206, 'bytes 2-4/10', '234']);
    expect(await range('bytes=7-')).toEqual([206, 'bytes 7-9/10', '789']);
    expect(await range('bytes=-3')).toEqual([206, 'bytes 7-9/10', '789']);
    expect(await range('bytes=5-99')).toEqual([206, 'bytes 5-9/10', '56789']);
    expect(await range('bytes=10-')).toEqual([416, 'bytes */10', '']);
    expect(await range('bytes=5-2')).toEqual([416, 'bytes */10', '']);
    for (const whole of ['bytes=0-1,3-4', 'bytes=-', 'lines=1-2', 'bytes=a-b'])
      expect((await range(whole))[0]).toBe(200);
    expect((await range('bytes=2-4', { 'if-range': '"other"' }))[0]).toBe(200);
    expect((await get(url, { 'if-none-match': headers.etag as string })).statusCode).toBe(304);
    const head = await app.inject({ method: 'HEAD', url });
    expect([head.statusCode, head.headers['content-length'], head.payload]).toEqual([200, '10', '']);
  });

  it('waits for bytes that are on their way, says so when they do not come, and when they never will', async () => {
    const { id, url } = await store(text, 'late.txt');
    const row = rows.rows.get(id)!;
    rows.rows.set(id, { ...row, state: 'pending' });
    const late = await get(url);
    expect([late.statusCode, late.headers['retry-after'], late.headers['cache-control']]).toEqual([
      503,
      '5',
      undefined,
    ]);
    const waiting = get(url);
    setTimeout(() => (rows.rows.set(id, row), rows.hint('file', id)), 20);
    expect((await waiting).payload).toBe('0123456789');
    rows.rows.set(id, { ...row, state: 'unavailable', reason: 'expired at the provider' });
    expect((await get(url)).json()).toMatchObject({ status: 410, detail: 'expired at the provider' });
    await rm(folder, { recursive: true });
    rows.rows.set(id, row);
    const lost = await get(url);
    expect([lost.statusCode, lost.headers['cache-control'], lost.headers.etag]).toEqual([410, undefined, undefined]);
  });
});

describe('receiveUpload', () => {
  const form = (name: string, field: string, content: string) => {
    const payload = `--b\r\nContent-Disposition: form-data; name="${field}"; filename="${name}"\r\nContent-Type: image/png\r\n\r\n${content}\r\n--b--\r\n`;
    return app.inject({
      method: 'POST',
      url: '/upload',
      headers: { 'content-type': 'multipart/form-data; boundary=b' },
      payload,
    });
  };

  it('takes one file, and says what it is', async () => {
    const answer = await form('../../报表.png', 'file', 'plain text');
    expect([answer.statusCode, answer.json()]).toEqual([
      201,
      expect.objectContaining({ name: '报表.png', mimeType: 'text/plain', bytes: 10, kind: 'file' }),
    ]);
  });

  it('refuses what is too large, empty, another field, another type, or broken off', async () => {
    expect((await form('a', 'file', 'x'.repeat(501))).json()).toMatchObject({ status: 413, code: 'too-large' });
    expect((await form('a', 'file', 'x'.repeat(50_000))).json()).toMatchObject({ status: 413 });
    expect((await form('a', 'file', '')).json()).toMatchObject({ status: 422, errors: [{ path: 'file' }] });
    expect((await form('a', 'other', 'x')).json()).toMatchObject({ status: 400 });
    expect((await app.inject({ method: 'POST', url: '/upload', payload: { file: 'x' } })).json()).toMatchObject({
      status: 415,
    });
    const headers = { 'content-type': 'multipart/form-data; boundary=b' };
    const broken = await app.inject({ method: 'POST', url: '/upload', headers, payload: '--b\r\nContent-Disp' });
    expect(broken.statusCode).toBe(400);
    expect(logged).toHaveLength(1);
  });
});
