import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { Identity1700000000001 } from '#identity';
import { InvalidInput, parseInbound, type PartInput, ProviderFailure } from '#normalizer';
import { Intake } from '../intake/intake.js';
import { Store1700000000002 } from '../migrations/0001-store.js';
import { NotFound } from '../ports.js';
import { Fetcher, type IncomingMedia } from './fetcher.js';
import { Files } from './files.js';
import { FileUrls } from './file-urls.js';
import { LocalFileStore } from './local-file-store.js';
import { resolveFiles, tieFiles } from './message-files.js';
import { GIF, PDF, png } from './testing/bytes.js';

describeOnEveryDatabase('the media room', (open) => {
  let db: Database;
  let folder: string;
  let files: Files;
  let fetcher: Fetcher;
  let answers: Record<string, (() => IncomingMedia | Error)[]>;
  const asked: string[] = [];

  beforeAll(async () => {
    db = await open({ entities: [], migrations: [Identity1700000000001, Store1700000000002] });
    await db.query(`insert into account (id, type, config, continuity) values ('sms', 'sms-twilio', '{}', 'contact')`);
    folder = await mkdtemp(join(tmpdir(), 'media-'));
    const urls = new FileUrls('secret', 'https://gateway.example');
    files = new Files({ database: db, store: new LocalFileStore(folder), urls, maxBytes: 1_000 });
    const source = {
      open: async (account: string, ref: string) => {
        asked.push(`${account} ${ref}`);
        const next = answers[ref]!.length > 1 ? answers[ref]!.shift()! : answers[ref]![0]!;
        const answer = next();
        if (answer instanceof Error) throw answer;
        return answer;
      },
    };
    fetcher = new Fetcher({ database: db, files, source, everyMs: 20, retryAfterS: [0, 0] });
    fetcher.start();
  });
  afterAll(async () => {
    await fetcher.stop();
    await rm(folder, { recursive: true });
  });

  let count = 0;
  async function receive(part: PartInput) {
    const handles = [{ scheme: 'phone', value: '+8613800138000' }];
    const event = parseInbound({
      kind: 'message',
      dedupeKey: `k${(count += 1)}`,
      thread: 't',
      sender: { handles },
      parts: [part],
    });
    const [stored] = await new Intake(db).accept('sms', [event]);
    return stored!.id!;
  }
  async function settled(messageId: string) {
    for (;;) {
      const found = await db.query<{ type: string; data: { attachment: { fileId: string; reason?: string }; message: { parts: unknown[] } } }>(
        `select type, data from event where type like 'attachment.%' and data->'attachment'->>'messageId' = $1`, [messageId],
      ); // prettier-ignore
      if (found.length > 0) return found;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  const bytes =
    (content: Buffer, about: Partial<IncomingMedia> = {}): (() => IncomingMedia) =>
    () => ({ stream: Readable.from([content]), ...about });

  it('fetches what the provider holds, after failures that pass, and tells the stream once', async () => {
    answers = {
      'media-1': [
        () => new ProviderFailure('unavailable', 'down'),
        bytes(png(30, 20), { name: '../x\u202E.png', mimeType: 'text/html' }),
      ],
    };
    const messageId = await receive({ type: 'media', kind: 'image', ref: 'media-1' });
    const events = await settled(messageId);
    expect(events.map((e) => e.type)).toEqual(['attachment.ready']);
    expect(events[0]!.data.message.parts).toEqual([
      expect.objectContaining({
        state: 'ready',
        mimeType: 'image/png',
        bytes: png(30, 20).length,
        name: 'x.png',
        width: 30,
        height: 20,
      }),
    ]);
    const { fileId } = events[0]!.data.attachment;
    const file = await files.open(fileId);
    expect(await buffer(file.stream)).toEqual(png(30, 20));
    expect(asked).toEqual(['sms media-1', 'sms media-1']);
    const [message] = await db.query<{ parts: unknown[] }>('select parts from message where id = $1', [messageId]);
    expect(JSON.stringify(message)).not.toContain('media-1');
    expect(message!.parts).toEqual(events[0]!.data.message.parts);
  });

  it.each([
    [
      'a failure that stays',
      (): Error => new ProviderFailure('content-refused', 'expired at the provider'),
      'expired at the provider',
      1,
    ],
    ['failures beyond the last attempt', (): Error => new Error('secret detail'), 'the file could not be fetched', 3],
    [
      'more bytes than are taken',
      () => ({ stream: Readable.from([Buffer.alloc(2_000, 1)]) }),
      'a file may have at most 1000 bytes',
      1,
    ],
  ])('gives up after %s, and says why', async (...[, answer, reason, attempts]) => {
    asked.length = 0;
    answers = { 'media-2': [answer] };
    const [event] = await settled(await receive({ type: 'media', kind: 'file', ref: 'media-2' }));
    expect(event).toMatchObject({ type: 'attachment.unavailable', data: { attachment: { reason } } });
    expect(event!.data.message.parts).toEqual([expect.objectContaining({ state: 'unavailable' })]);
    await expect(files.open(event!.data.attachment.fileId)).rejects.toThrow(NotFound);
    expect(asked).toHaveLength(attempts);
  });

  it('stores uploads, and says what they are in spite of what was said', async () => {
    const stored = await files.store(db, GIF, { name: 'evil.html', declaredType: 'text/html', owner: 'visitor:a' });
    expect(stored).toEqual({
      id: stored.id,
      url: expect.stringContaining(`/files/${stored.id}?exp=`),
      mimeType: 'image/gif',
      bytes: GIF.length,
      name: 'evil.html',
      kind: 'image',
      width: 1,
      height: 1,
    });
    await expect(files.store(db, PDF, { mimeTypes: ['image/*'] })).rejects.toMatchObject({ code: 'type-refused' });
    await expect(files.store(db, Buffer.alloc(1_001))).rejects.toMatchObject({ code: 'too-large' });
    expect(await buffer((await files.open(stored.id, { start: 0, end: 2 })).stream)).toEqual(Buffer.from('GIF'));
  });

  it('puts the truth about files into messages, and takes only the sender\u2019s own', async () => {
    const { id } = await files.store(db, PDF, { name: 'offer.pdf', owner: 'visitor:a' });
    const part = {
      type: 'media' as const,
      kind: 'image' as const,
      fileId: id,
      url: 'https://evil.example',
      mimeType: 'image/png',
      bytes: 1,
      state: 'ready' as const,
    };
    const [resolved] = await resolveFiles(db, [part], 'visitor:a');
    expect(resolved).toEqual({
      type: 'media',
      kind: 'file',
      fileId: id,
      mimeType: 'application/pdf',
      bytes: PDF.length,
      name: 'offer.pdf',
      state: 'ready',
    });
    await expect(resolveFiles(db, [part], 'visitor:b')).rejects.toThrow(InvalidInput);
    await expect(resolveFiles(db, [{ ...part, fileId: 'fil_unknown' }])).rejects.toThrow(InvalidInput);
  });

  it('sweeps what no message took up, and nothing else', async () => {
    const kept = await files.store(db, PDF);
    const orphan = await files.store(db, PDF);
    await tieFiles(db, 'msg_1', [
      { type: 'media', kind: 'file', fileId: kept.id, mimeType: '', bytes: 1, state: 'ready' },
    ]);
    await db.query(`update file set created_at = now() - interval '2 days' where id = any ($1::text[])`, [
      [kept.id, orphan.id],
    ]);
    expect(await files.removeOrphans()).toBe(1);
    await expect(files.open(orphan.id)).rejects.toThrow(NotFound);
    expect((await files.open(kept.id)).stream.destroy().destroyed).toBe(true);
  });
});
