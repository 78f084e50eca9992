import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from '@jest/globals';
import { openMailFile } from '#mail';
import type { InboundEventInput } from '#normalizer';
import { mail, ReaderStage } from '../testing/reader-stage.js';

let stage: ReaderStage;
afterEach(() => stage.close());

const letter = (id: string, words: string) =>
  mail('with a file', {
    ...{ id, headers: 'MIME-Version: 1.0' },
    body: '',
  }).replace(
    /Content-Type: text\/plain[^]*$/,
    [
      'Content-Type: multipart/mixed; boundary=b',
      ...['', '--b', 'Content-Type: text/plain', '', 'See the file.'],
      ...['--b', 'Content-Type: text/csv; name=a.csv', 'Content-Disposition: attachment; filename=a.csv', '', words],
      '--b--',
      '',
    ].join('\r\n'),
  );

function refOf(event: InboundEventInput | undefined): string {
  const parts = event?.kind === 'message' ? event.parts : [];
  const file = parts.find((part) => part.type === 'media');
  return (file as { ref: string }).ref;
}

async function stored(words = 'a,b'): Promise<string> {
  stage = await ReaderStage.set({ imap: { folders: ['INBOX', 'Shop'] } });
  await stage.open();
  stage.imap.deliver(letter('file.1', words));
  await stage.until(() => stage.stored.size === 1, 'mail');
  await stage.shut();
  return refOf([...stage.stored.values()][0]);
}
const opened = async (ref: string) => text((await openMailFile(ref, stage.context())).stream);

describe('a file of a mail', () => {
  it('is fetched from the mail', async () => {
    const ref = await stored();
    expect((await opened(ref)).trim()).toBe('a,b');
    await stage.until(() => stage.imap.connections === 0, 'the end of the connection');
  });

  it('is fetched with all others of the mail that are asked for together; a fetch that fails is none', async () => {
    const ref = await stored();
    const { location } = JSON.parse(ref) as { location: string };
    const whole = JSON.stringify({ location, part: 'original' });
    const ctx = stage.context();
    const open = async (one: string) => text((await openMailFile(one, ctx)).stream);
    const before = [stage.imap.tried.length, stage.imap.handedOut.length];
    stage.imap.inbox.letters[0]!.torn = 1;
    expect(await Promise.allSettled([open(ref), open(whole)])).toMatchObject([
      { status: 'rejected', reason: { code: 'unavailable' } },
      { status: 'rejected' },
    ]);
    const [file, original] = await Promise.all([open(ref), open(whole)]);
    expect([file!.trim(), original!.includes('Subject: with a file')]).toEqual(['a,b', true]);
    expect((await open(ref)).trim()).toBe('a,b');
    const after = [stage.imap.tried.length, stage.imap.handedOut.length];
    expect(after.map((count, i) => count - before[i]!)).toEqual([2, 2]);
    expect((await opened(ref)).trim()).toBe('a,b');
    expect(stage.imap.tried).toHaveLength(after[0]! + 1);
  });

  it('is found where the mail was moved, the server counted anew, or another mail has its number', async () => {
    const ref = await stored();
    const { inbox } = stage.imap;
    inbox.move('1', stage.imap.folders.get('Shop')!);
    stage.imap.deliver(letter('file.11', 'x,y')).uid = 1;
    expect((await opened(ref)).trim()).toBe('a,b');
    stage.imap.folders.get('Shop')!.move('1', inbox);
    inbox.renumber(99);
    expect((await opened(ref)).trim()).toBe('a,b');
  });

  it('of a mail that is gone is gone for good', async () => {
    const ref = await stored();
    stage.imap.inbox.letters = [];
    stage.imap.deliver(letter('file.10', 'of another one'));
    await expect(opened(ref)).rejects.toMatchObject({ code: 'content-refused' });
  });

  it('is never that of another mail under its id, whatever that repeats of it', async () => {
    const ref = await stored();
    const { inbox, folders } = stage.imap;
    const [genuine] = inbox.letters;
    const way = 'Received: from eve.example by mail.test; Mon, 23 Nov 2026 00:00:00 +0000';
    const forged = (words: string) => `${way}\r\n${genuine!.raw.toString().replace('a,b', words)}`;
    inbox.move('1', folders.get('Shop')!);
    for (const words of ['1', '2', '3', '4', '5', '6']) stage.imap.deliver(forged(words));
    inbox.letters[0]!.uid = 1;
    expect((await opened(ref)).trim()).toBe('a,b');
    folders.get('Shop')!.letters = [];
    await expect(opened(ref)).rejects.toMatchObject({ code: 'content-refused' });
  });

  it('comes to all who wait for it, though the first of them gives up', async () => {
    const ref = await stored();
    const [ctx, first] = [stage.context(), new AbortController()];
    const open = async (signal: AbortSignal) => text((await openMailFile(ref, { ...ctx, signal })).stream);
    const both = Promise.allSettled([open(first.signal), open(ctx.signal)]);
    first.abort();
    expect(await both).toMatchObject([
      { status: 'rejected', reason: { code: 'unavailable' } },
      { status: 'fulfilled', value: expect.stringContaining('a,b') },
    ]);
  });

  it('can be asked for again where the connection ends', async () => {
    const ref = await stored();
    stage.imap.inbox.letters[0]!.torn = 1;
    await expect(opened(ref)).rejects.toMatchObject({ code: 'unavailable' });
    expect((await opened(ref)).trim()).toBe('a,b');
  });
});
