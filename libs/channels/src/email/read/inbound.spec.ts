import { afterAll, describe, expect, it } from '@jest/globals';
import { parseInbound, type InboundMessage } from '#normalizer';
import { emailAccount } from '../testing/account.js';
import { threadKey } from '#mail';
import { openPart, ReadingPool } from '../../../../mail/src/read/index.js';
import { eventsIn } from '../testing/reading.js';

const pool = new ReadingPool({ ms: 20_000, memoryMb: 256 });
afterAll(() => pool.stop());
const account = emailAccount({ pool });

const HEAD = [
  'From: Anna <anna@mail.example>',
  'To: support@shop.example',
  'Subject: A question',
  'Message-ID: <1@mail.example>',
];
const raw = (lines: readonly (string | Buffer)[]): Buffer =>
  Buffer.concat(lines.flatMap((line) => [typeof line === 'string' ? Buffer.from(line) : line, Buffer.from('\r\n')]));
const plain = (text: string | Buffer, charset?: string) =>
  raw([...HEAD, ...(charset === undefined ? [] : [`Content-Type: text/plain; charset=${charset}`]), '', text]);
const multipart = (type: string, ...parts: readonly (readonly (string | Buffer)[])[]) =>
  raw([...HEAD, 'MIME-Version: 1.0', `Content-Type: multipart/${type}; boundary="b"`, '', ...parts.flatMap((part) => ['--b', ...part]), '--b--']); // prettier-ignore

async function message(source: Buffer, context = account): Promise<InboundMessage> {
  const events = await eventsIn(source, context);
  expect(events).toHaveLength(1);
  return parseInbound(events[0]) as InboundMessage;
}
const wordsOf = (event: InboundMessage) =>
  event.parts.flatMap((part) => (part.type === 'text' || part.type === 'html' ? [part.text] : []));
const mediaOf = (event: InboundMessage) => event.parts.flatMap((part) => (part.type === 'media' ? [part] : []));
async function open(source: Buffer, part: { ref?: string | undefined }): Promise<Buffer> {
  const { stream } = await openPart(source, (JSON.parse(part.ref!) as { part: string }).part, pool);
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

describe('the words of a mail', () => {
  it('are what was newly written; history and original are kept beside', async () => {
    const source = raw([...HEAD, 'In-Reply-To: <0@shop.example>', '', 'Yes.', '', '-- ', 'Anna', '', 'On Mon, Nov 16, 2026 at 10:23 AM We <support@shop.example> wrote:', '> Shall we?']); // prettier-ignore
    const event = await message(source);
    expect(wordsOf(event)).toEqual(['Yes.']);
    expect(event.quoted).toBe('-- \nAnna\n\nOn Mon, Nov 16, 2026 at 10:23 AM We <support@shop.example> wrote:\n> Shall we?'.replace('-- \n', '--\n')); // prettier-ignore
    expect(event).toMatchObject({
      subject: 'A question',
      replyTo: '0@shop.example',
      externalIds: ['1@mail.example', expect.stringMatching(/^copy [\w-]{22}$/)],
    });
    const [original] = mediaOf(event);
    expect(original).toMatchObject({ purpose: 'original', mimeType: 'message/rfc822', state: 'pending' });
    expect(await open(source, original!)).toEqual(source);
  });

  it('are those of all texts, in their order, with files between them', async () => {
    const image = ['Content-Type: image/png; name=a.png', 'Content-Disposition: inline', '', 'x'];
    const text = (words: string) => ['Content-Type: text/plain', '', words];
    const html = (words: string) => ['Content-Type: text/html', '', `<html><body>${words}</body></html>`];
    expect(wordsOf(await message(multipart('mixed', text('above'), image, text('below'))))).toEqual(['above\n\nbelow']);
    expect(wordsOf(await message(multipart('mixed', html('above'), image, html('below'))))).toEqual(['above\nbelow']);
    expect(wordsOf(await message(multipart('mixed', html('words'), text('footer'))))[0]).toMatch(/words\s+footer/);
  });

  it('need no original where nothing was taken away', async () => {
    expect((await message(plain('Hello'))).parts).toEqual([{ type: 'text', text: 'Hello' }]);
  });

  it('are html with its text where the mail has html', async () => {
    const source = multipart('alternative', ['Content-Type: text/plain', '', 'Hello *you*'], ['Content-Type: text/html', '', '<p>Hello <b>you</b></p>']); // prettier-ignore
    expect((await message(source)).parts).toEqual([
      { type: 'html', html: '<p>Hello <b>you</b></p>', text: 'Hello you' },
    ]);
  });

  it.each([
    ['GB18030 beyond GBK', 'gb18030', Buffer.from([0xc4, 0xe3, 0x95, 0x32, 0x82, 0x36]), '你𠀀'],
    [
      'GB18030 under the name of GB2312',
      'gb2312',
      Buffer.from([0xc4, 0xe3, 0x95, 0x32, 0x82, 0x36, 0xe9, 0x46]),
      '你𠀀镕',
    ],
    ['ISO-2022-JP', 'iso-2022-jp', Buffer.from([0x1b, 0x24, 0x42, 0x46, 0x7c, 0x4b, 0x5c, 0x1b, 0x28, 0x42]), '日本'],
    [
      'GBK without a name',
      undefined,
      Buffer.from([0xc4, 0xe3, 0xba, 0xc3, 0xa3, 0xac, 0xb6, 0xa9, 0xb5, 0xa5]),
      '你好，订单',
    ],
    [
      'GBK under the name of UTF-8',
      'utf-8',
      Buffer.from([0xc4, 0xe3, 0xba, 0xc3, 0xa3, 0xac, 0xb6, 0xa9, 0xb5, 0xa5]),
      '你好，订单',
    ],
    ['UTF-8 under the name of ASCII', 'us-ascii', Buffer.from('你好'), '你好'],
    ['UTF-8 under the name of latin1', 'iso-8859-1', Buffer.from('Grüße'), 'Grüße'],
    ['latin1', 'iso-8859-1', Buffer.from('Grüße aus Köln', 'latin1'), 'Grüße aus Köln'],
    ['a charset that does not exist', 'x-nonsense', Buffer.from('你好'), '你好'],
  ])('are read: %s', async (...[, charset, bytes, text]) => {
    expect(wordsOf(await message(plain(bytes, charset)))).toEqual([text]);
  });

  it('of a subject are read though words are split within a character', async () => {
    const head = HEAD.map((line) =>
      line.replace('A question', '=?utf-8?B?5L0=?=\r\n =?utf-8?B?oOWlvQ==?= =?gb2312?B?tqk=?= =?gb2312?B?taU=?='),
    );
    expect((await message(raw([...head, '', 'x']))).subject).toBe('你好订单');
  });

  it('are the subject where there are no others, and never nothing', async () => {
    expect((await message(plain(''))).parts).toEqual([{ type: 'text', text: 'A question' }]);
    expect((await message(raw(['From: a@mail.example', '', '']))).parts).toEqual([
      { type: 'unsupported', providerType: 'mail: empty' },
    ]);
  });

  it('that are longer than a message may be end early, with the original beside', async () => {
    const source = plain('订单'.repeat(200_000), 'utf-8');
    const event = await message(source);
    expect(wordsOf(event)[0]).toMatch(/^订单.*\n\[…\]$/s);
    expect(mediaOf(event).map(({ purpose }) => purpose)).toEqual(['original']);
  });
});

describe('the files of a mail', () => {
  it('have safe names and are found again', async () => {
    const source = multipart(
      'mixed',
      ['Content-Type: text/plain', '', 'See there'],
      ["Content-Type: application/pdf; name*0*=GB18030''%B7%A2;\r\n name*1*=%C6%B1.pdf", 'Content-Disposition: attachment', 'Content-Transfer-Encoding: base64', '', Buffer.from('one').toString('base64')],
      ['Content-Type: application/octet-stream', 'Content-Disposition: attachment; filename="../../etc/.htaccess"', '', 'two'],
      ['Content-Type: image/png', 'Content-Disposition: attachment; filename="photo\u202egnp.exe"', '', 'three'],
      ['Content-Type: text/calendar; method=REQUEST', '', 'BEGIN:VCALENDAR'],
      ['Content-Type: application/ms-tnef', '', 'tnef'],
      ['Content-Type: message/rfc822', '', 'Subject: inner\r\n\r\ninner words'],
    ); // prettier-ignore
    const event = await message(source);
    expect(wordsOf(event)).toEqual(['See there']);
    const files = mediaOf(event);
    expect(files.map(({ name, kind }) => [name, kind])).toEqual([
      ['发票.pdf', 'file'],
      ['_.._etc_.htaccess', 'file'],
      ['photo_gnp.exe', 'image'],
      ['invite.ics', 'file'],
      ['winmail.dat', 'file'],
      ['message.eml', 'file'],
    ]);
    expect((await open(source, files[0]!)).toString()).toBe('one');
    expect((await open(source, files[1]!)).toString().trim()).toBe('two');
    expect((await open(source, files[5]!)).toString()).toContain('inner words');
    expect(JSON.parse(files[1]!.ref!)).toEqual({ location: 'INBOX/1/7', part: '1' });
    await expect(openPart(source, '99', pool)).rejects.toMatchObject({ code: 'content-refused' });
  });

  it('that html shows are named by their id; those of history alone stay in the original', async () => {
    const html = '<p>Look: <img src="cid:a%40x"></p><div class="gmail_quote"><div>On Mon, Nov 16, 2026 at 10:23 AM We &lt;s@shop.example&gt; wrote:</div><blockquote class="gmail_quote">Old <img src="cid:b@x"></blockquote></div>'; // prettier-ignore
    const image = (id: string) => [`Content-Type: image/png; name=${id}.png`, `Content-ID: <${id}@x>`, '', id];
    const event = await message(multipart('related', ['Content-Type: text/html', '', html], image('a'), image('b')));
    expect(event.parts[0]).toMatchObject({ type: 'html', html: '<p>Look: <img src="cid:a@x"></p>', text: 'Look:' });
    expect(mediaOf(event).map(({ name, contentId, purpose }) => [name, contentId, purpose])).toEqual([
      ['a.png', 'a@x', 'inline'],
      ['original.eml', undefined, 'original'],
    ]);
  });

  it('that are more than a message holds are in the original', async () => {
    const file = ['Content-Type: application/pdf; name=x.pdf', 'Content-Disposition: attachment', '', 'x'];
    const event = await message(multipart('mixed', ...Array.from({ length: 60 }, () => file)));
    expect(event.parts.length).toBeLessThanOrEqual(50);
    expect(event.parts).toContainEqual({ type: 'unsupported', providerType: 'mail: 20 more files, in the original' });
    expect(mediaOf(event).at(-1)!.purpose).toBe('original');
  });

  it('of an encrypted mail are all that there is to see', async () => {
    const source = raw([...HEAD, 'Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m', 'Content-Transfer-Encoding: base64', '', 'MIAG']); // prettier-ignore
    const event = await message(source);
    expect(event.parts).toContainEqual({ type: 'unsupported', providerType: 'mail: encrypted' });
    expect(mediaOf(event).map(({ name }) => name)).toContain('smime.p7m');
  });
});

describe('what a mail is', () => {
  it('has one key in all folders, and another one where only its id is the same', async () => {
    const keys = async (source: Buffer) => (await message(source)).dedupeKey;
    const one = await keys(plain('one'));
    const elsewhere = await keys(raw(['Received: by other', 'X-Folder: 2', ...HEAD, '', 'one']));
    expect(elsewhere).toBe(one);
    expect(await keys(plain('two'))).not.toBe(one);
  });

  it('has the thread of its first ancestor and of whom it is from', async () => {
    const reply = (...more: string[]) => message(raw([...HEAD, ...more, '', 'x']));
    const root = { address: 'anna@mail.example', claimed: true };
    expect((await reply()).thread).toBe(threadKey({ ...root, root: '1@mail.example' }));
    expect((await reply('References: <0@a> <9@b>', 'In-Reply-To: <9@b>')).thread).toBe(
      threadKey({ ...root, root: '0@a' }),
    );
    expect((await reply('In-Reply-To: <9@b>')).thread).toBe(threadKey({ ...root, root: '9@b' }));
    const other = await message(
      raw([...HEAD.map((line) => line.replace('anna@', 'eve@')), 'References: <0@a>', '', 'x']),
    );
    expect(other.thread).not.toBe((await reply('References: <0@a>')).thread);
  });

  it('is proven by what our border says of the domain of its author, and of no other', async () => {
    const proof = async (from: string, verdict: string) => {
      const event = await message(
        raw([
          `Authentication-Results: mx.shop.example; ${verdict}`,
          `From: ${from}`,
          'Reply-To: victim@bank.example',
          '',
          'x',
        ]),
      );
      return [
        event.sender.handles.map(({ value }) => value),
        event.sender.handles[0]!.proof,
        event.metadata?.['unverifiedSender'],
      ];
    };
    const pass = 'dmarc=pass header.from=mail.example';
    expect(await proof('a@mail.example', pass)).toEqual([['a@mail.example'], 'channel', undefined]);
    expect(await proof('a@bank.example', pass)).toEqual([
      ['a@bank.example'],
      'claimed',
      'DMARC: pass of another domain',
    ]);
    expect(await proof('a@sub.mail.example', pass)).toEqual([
      ['a@sub.mail.example'],
      'claimed',
      'DMARC: pass of another domain',
    ]);
    expect(await proof('a@mail.example', 'dmarc=fail header.from=mail.example')).toEqual([
      ['a@mail.example'],
      'claimed',
      'DMARC: fail',
    ]);
    expect(await proof('a@mail.example, victim@bank.example', pass)).toEqual([
      ['a@mail.example'],
      'claimed',
      'more than one address in From',
    ]);
  });

  it('that names no address is a person of its own each time', async () => {
    const handles = async (body: string) => (await message(raw(['From: Anna', '', body]))).sender.handles;
    const [[one], [other]] = [await handles('Hello'), await handles('I am another Anna')];
    expect(one).toMatchObject({
      scheme: 'mail-sender',
      scope: 'acc_mail',
      value: expect.stringMatching(/^Anna /),
      proof: 'claimed',
    });
    expect(other!.value).not.toBe(one!.value);
  });

  it('tells its time by the sender where that can be, else by the server', async () => {
    const at = async (date: string) => (await message(raw([...HEAD, `Date: ${date}`, '', 'x']))).occurredAt;
    expect(await at('Sat, 21 Nov 2026 10:00:00 +0800 (CST)')).toBe('2026-11-21T02:00:00.000Z');
    for (const wrong of ['Thu, 1 Jan 1970 00:00:00 +0000', 'Sat, 21 Nov 2099 10:00:00 +0800', 'yesterday'])
      expect(await at(wrong)).toBe('2026-11-22T12:00:00.000Z');
  });
});
