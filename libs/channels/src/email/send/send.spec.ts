import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ProviderFailure, type MediaPart, type OutboundUnit, type Part } from '#normalizer';
import PostalMime, { type Email } from 'postal-mime';
import { FakeSmtp } from '#mail/testing';
import {
  certificate,
  contextOf,
  CUSTOMER,
  media,
  now,
  sending,
  settings,
  unitOf,
  type Files,
} from '../testing/sender.js';
import { loopMark, readEnvelopeId, readToken, replySecretOf } from '../../../../mail/src/token/index.js';

let smtp: FakeSmtp;
beforeAll(async () => {
  smtp = await FakeSmtp.start({ certificate });
});
beforeEach(() => {
  smtp.mails.length = 0;
  smtp.lines.length = 0;
});
afterAll(() => smtp.close());

interface Sent {
  readonly ids: readonly string[];
  readonly mail: Email;
  readonly raw: string;
  /** Header fields in order, unfolded. */
  readonly fields: readonly string[];
  header(name: string): string | undefined;
}

/** Sends a unit and reads what arrived as another program would. */
async function sent(unit: OutboundUnit, { more = {}, smtp: server = {}, files = {} as Files } = {}): Promise<Sent> {
  const ids = await sending(unit, contextOf(settings(smtp.port, more, server), files));
  if (!Array.isArray(ids)) throw ids;
  const { raw } = smtp.mails.at(-1)!;
  const head = raw.slice(0, raw.indexOf('\r\n\r\n')).replace(/\r\n[ \t]+/g, ' ');
  const fields = head.split('\r\n');
  const header = (name: string) =>
    fields.find((field) => field.toLowerCase().startsWith(`${name.toLowerCase()}:`))?.replace(/^[^:]+:\s*/, '');
  return { ids: ids as string[], raw, fields, header, mail: await PostalMime.parse(Buffer.from(raw, 'latin1')) };
}

const textIn = ({ text = '' }: Email) => text.replaceAll('\r\n', '\n').trimEnd();

const answer = 'CAF+xyz=1@mail.customer.example';
const html = (code: string, text = 'text'): Part => ({ type: 'html', html: code, text });

describe('the headers of a mail', () => {
  it('answer the mail that is answered, and carry the token of the thread', async () => {
    const { ids, header, mail } = await sent(unitOf('Hello', { replyTo: answer, subject: 'Where is my parcel?' }));
    expect(mail.subject).toBe('Re: Where is my parcel?');
    expect(header('In-Reply-To')).toBe(`<${answer}>`);
    const [root, ...rest] = header('References')!.split(' ');
    expect(rest).toEqual([`<${answer}>`]);
    expect(header('Message-ID')).toBe(`<${ids[0]}>`);
    const config = settings(smtp.port);
    const reader = { accountId: 'acc_mail', address: CUSTOMER, now, maxAgeDays: 180, secret: replySecretOf(config) };
    for (const id of [root!, ids[0]!]) {
      expect(readToken([id], reader)).toBe('abcdefghijklmnopqrst');
      expect(readToken([id], { ...reader, address: 'eve@customer.example' })).toBeNull();
      expect(id.endsWith('@shop.example') || id.endsWith('@shop.example>')).toBe(true);
    }
    expect(mail.from).toMatchObject({ name: 'Example Support', address: 'support@shop.example' });
    expect(mail.to).toMatchObject([{ address: CUSTOMER }]);
    expect(mail.date).toBe(new Date(now).toISOString());
    expect(header('Reply-To')).toBeUndefined();
    expect(header('List-Unsubscribe')).toBeUndefined();
    expect(smtp.mails[0]).toMatchObject({ from: 'support@shop.example', to: CUSTOMER });
  });

  it('are the same at every attempt of a unit, and others for another unit, another day included', async () => {
    const unit = unitOf('Hello');
    const [first] = (await sent(unit)).ids;
    const later = { ...contextOf(settings(smtp.port)), now: () => now + 5 * 86_400_000 };
    expect(await sending(unit, later)).toEqual([first]);
    const other = unit.idempotencyKey.replace(/1$/, '2');
    expect((await sent(unitOf('Hello', { idempotencyKey: other }))).ids).not.toEqual([first]);
  });

  it('begin a thread that has no mail of theirs yet', async () => {
    const thread = { id: 'thr_1', externalId: CUSTOMER, handles: [] };
    const { ids, header, mail } = await sent(unitOf('Your parcel is here.\nSee you', { thread }));
    expect(header('In-Reply-To')).toBeUndefined();
    expect(header('References')).toMatch(/^<r\.-\.\S+@shop\.example>$/);
    expect(ids[0]).toMatch(/^t\.-\./);
    expect(mail.subject).toBe('Your parcel is here.');
    expect(mail.to).toMatchObject([{ address: CUSTOMER }]);
  });

  it.each([
    ['Re: Parcel', 'Re: Parcel'],
    ['RE: re[2]: AW: 回复：Parcel', 'Re: Parcel'],
    ['Re: Fwd: Parcel', 'Re: Fwd: Parcel'],
    ['Re: YNT: 回: Parcel', 'Re: Parcel'],
    ['Ref: 4711', 'Re: Ref: 4711'],
    ['Regarding: Parcel', 'Re: Regarding: Parcel'],
    ['答复: 包裹到哪了？😀', 'Re: 包裹到哪了？😀'],
    ['', 'Re: Example Support'],
    ['Re:', 'Re: Example Support'],
  ])('hold the subject %j once', async (subject, expected) => {
    expect((await sent(unitOf('Hello', { replyTo: answer, subject }))).mail.subject).toBe(expected);
  });

  it('leave out what is no id', async () => {
    for (const replyTo of ['no id', 'a@b\r\nBcc: eve@x.example', `${'a'.repeat(950)}@x`, '包裹@x', '']) {
      const { header } = await sent(unitOf('Hello', { replyTo }));
      expect(header('In-Reply-To')).toBeUndefined();
      expect(header('References')!.split(' ')).toHaveLength(1);
    }
  });

  it('say where answers go, where that is set', async () => {
    const { header, mail, ids } = await sent(unitOf('Hello'), { more: { replyAddress: 'plus' } });
    const token = /^t\.(.{42})\./.exec(ids[0]!)?.[1];
    expect(mail.replyTo).toMatchObject([{ address: `support+${token}@shop.example` }]);
    expect(header('Reply-To')!.length).toBeLessThan(120);
    const address = `${'long-'.repeat(6)}name@shop.example`;
    expect(
      (await sent(unitOf('Hello'), { more: { replyAddress: 'plus', address } })).header('Reply-To'),
    ).toBeUndefined();
  });

  it('mark our own mail, and what no person wrote', async () => {
    const config = settings(smtp.port);
    const person = await sent(unitOf('Hello', { author: { name: 'Lin' } }));
    expect(person.header('Auto-Submitted')).toBeUndefined();
    expect(person.header('X-Tributary-Loop')).toBe(loopMark(config));
    const bot = await sent(unitOf('Hello', { author: { name: 'Bot', kind: 'bot' }, replyTo: answer }));
    expect(bot.header('Auto-Submitted')).toBe('auto-replied');
    expect(bot.header('X-Auto-Response-Suppress')).toBe('All');
    const notice = await sent(unitOf('Your code: 123456', { notice: true }));
    expect(notice.header('Auto-Submitted')).toBe('auto-generated');
    expect(notice.mail.subject).toBe('Example Support');
    expect(notice.mail.text).toContain('123456');
  });
});

describe('hostile texts', () => {
  const usual = ['from', 'to', 'subject', 'message-id', 'references', 'date', 'mime-version', 'x-tributary-loop'];
  const names = ({ fields }: Sent) => fields.map((field) => field.slice(0, field.indexOf(':')).toLowerCase());
  const injections = ['\r\nBcc: eve@x.example', '\nBcc: eve@x.example', '\rBcc: eve@x.example', '\u2028Bcc: eve@x.example', '\u0085Bcc: e@x.example', '\0Bcc: eve@x.example', '\r\n\r\nbody', '\r\n.\r\nMAIL FROM:<eve@x.example>', '=?utf-8?Q?=0D=0ABcc:_eve@x.example?=', '" <eve@x.example>, "', '\ud800 lone']; // prettier-ignore

  it.each(injections)('in the subject and in names stay there: %j', async (text) => {
    const more = /\p{Cc}/u.test(text) ? {} : { name: `Shop${text.toWellFormed()}` };
    const mail = await sent(unitOf(`Hello${text}`, { subject: `Parcel${text}`, author: { name: `Lin${text}` } }), {
      more,
    });
    const others = names(mail).filter((name) => !usual.includes(name) && !name.startsWith('content-'));
    expect(others).toEqual([]);
    expect(mail.mail).toMatchObject({ from: { address: 'support@shop.example' }, to: [{ address: CUSTOMER }] });
    expect(mail.mail.to).toHaveLength(1);
    expect(`${mail.mail.subject} ${mail.mail.from?.name}`).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
    expect(smtp.lines.filter((line) => /^(?:MAIL|RCPT|DATA)/.test(line))).toHaveLength(3);
    expect(smtp.mails).toHaveLength(1);
  });

  it.each(injections)('in the name of a file stay there: %j', async (text) => {
    const parts = [media('fil_1', { name: `bill${text}.pdf`, mimeType: `application/pdf${text}` })];
    const mail = await sent(unitOf(parts, { text: 'bill' }), { files: { fil_1: Buffer.from('0123456789') } });
    expect(mail.raw).not.toMatch(/^(?:Bcc|MAIL)/im);
    expect(mail.mail.attachments).toHaveLength(1);
    const [file] = mail.mail.attachments;
    expect(file?.filename).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}/\\"<>]/u);
  });

  it('in the address go nowhere', async () => {
    const hostile = ['a@b.example\r\nRCPT TO:<eve@x.example>', 'a@b.example> ORCPT=x <c@d.example', 'a b@c.example', 'x', '']; // prettier-ignore
    for (const value of hostile) {
      const handles = [{ scheme: 'email', scope: '', value, proof: 'claimed' as const }];
      const outcome = await sending(
        unitOf('Hello', { thread: { id: 't', externalId: 'k', handles } }),
        contextOf(settings(smtp.port)),
      );
      expect(outcome).toMatchObject({ code: 'recipient-gone' });
    }
    expect(smtp.lines).toEqual([]);
  });

  it('in the text end no mail', async () => {
    const text = 'one\n.\nQUIT\r.\r\n..two\n.';
    const { mail } = await sent(unitOf(text));
    expect(mail.text?.replace(/\s+$/, '').replaceAll('\r\n', '\n')).toBe('one\n.\nQUIT\n.\n..two\n.');
    expect(smtp.mails).toHaveLength(1);
  });

  it('make no address of a name', async () => {
    const { header } = await sent(unitOf('x'), { more: { name: 'eve@x.example, ceo@shop.example' } });
    expect(header('From')).toBe('"eve@x.example, ceo@shop.example" <support@shop.example>');
  });
});

describe('the body of a mail', () => {
  it('is plain text where the parts are, whatever it is written in', async () => {
    const texts = [
      'Hello',
      '您的包裹已经在路上。😀',
      'a'.repeat(3_000),
      `x\n${'长'.repeat(40_000)}`,
      ' leading\ttabs  trailing ',
    ];
    for (const text of texts) {
      const { mail } = await sent(unitOf(text));
      expect(mail.text?.replaceAll('\r\n', '\n').replace(/\n$/, '')).toBe(text);
      expect(mail.html).toBeUndefined();
    }
  });

  it('has no line that is longer than mail may have', async () => {
    const { raw } = await sent(
      unitOf([html(`<p>${'x'.repeat(5_000)}</p>`)], {
        subject: '包'.repeat(300),
        replyTo: `${'a'.repeat(800)}@b.example`,
      }),
    );
    expect(Math.max(...raw.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(998);
  });

  it('is html and text where a part is html', async () => {
    const parts: Part[] = [
      { type: 'text', text: 'Dear <Anna>,\nhello' },
      html('<p>See <b>this</b><script>alert(1)</script></p>', 'See this'),
    ];
    const { mail } = await sent(unitOf(parts));
    expect(textIn(mail)).toBe('Dear <Anna>,\nhello\n\nSee this');
    expect(mail.html).toContain('<p>Dear &lt;Anna&gt;,<br>');
    expect(mail.html).toContain('<div><p>See <b>this</b></p></div>');
    expect(mail.html).not.toContain('alert');
  });

  it('is what markdown says, as html that is ours alone and as text, with pictures of the mail', async () => {
    const markdown: Part = {
      type: 'text',
      format: 'markdown',
      text: '**Hello** [shop](https://shop.example)\nnext <script>alert(1)</script>\n\n![logo](cid:logo@1) [x](javascript:alert(2))',
    };
    const files = { fil_1: Buffer.from('png') };
    const picture = media('fil_1', { contentId: 'logo@1', kind: 'image', mimeType: 'image/png', bytes: 3 });
    const { mail } = await sent(unitOf([markdown, { type: 'text', text: '**as it is**' }, picture], { text: 'x' }), { files }); // prettier-ignore
    expect(mail.html).toContain('<strong>Hello</strong> <a href="https://shop.example" target="_blank"');
    expect(mail.html).toContain('<br>');
    expect(mail.html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(mail.html).not.toMatch(/<script|href="javascript/i);
    expect(mail.html).toContain('<img src="cid:logo@1" alt="logo">');
    expect(mail.html).toContain('<p>**as it is**</p>');
    expect(textIn(mail)).toBe(
      'Hello shop (https://shop.example)\nnext <script>alert(1)</script>\n\nlogo (cid:logo@1) [x](javascript:alert(2))\n\n**as it is**',
    );
    expect(mail.attachments).toMatchObject([{ disposition: 'inline', contentId: '<logo@1>' }]);
  });

  it('gets its text from the html where there is none', async () => {
    const { mail } = await sent(unitOf([html('<h1>Hello</h1><p>one<br>two &amp; three</p>', '')]));
    expect(textIn(mail)).toBe('Hello\n\none\ntwo & three');
  });
});

describe('the files of a mail', () => {
  const picture = (more: Partial<MediaPart>) => media('fil_p', { kind: 'image', mimeType: 'image/png', ...more });
  const files = { fil_p: Buffer.from('\x89PNG-bytes', 'latin1'), fil_1: Buffer.from('0123456789') };

  it('are attached octet for octet, with names that any program can read', async () => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 256));
    const parts: Part[] = [
      { type: 'text', text: 'See' },
      media('fil_1', {
        name: '发票 2026年11月.pdf',
        mimeType: 'application/pdf',
        bytes: bytes.length,
        caption: 'the bill',
      }),
      media('fil_p', { name: 'letter.eml', mimeType: 'message/rfc822', bytes: 10 }),
      media('fil_2', { name: 'notes.txt', mimeType: 'text/plain', bytes: 8 }),
    ];
    const { mail } = await sent(unitOf(parts), {
      files: { ...files, fil_1: bytes, fil_2: Buffer.from('a\nb\rc\r\n.') },
    });
    const [bill, letter, notes] = mail.attachments;
    expect(bill).toMatchObject({
      filename: '发票 2026年11月.pdf',
      mimeType: 'application/pdf',
      disposition: 'attachment',
    });
    expect(Buffer.from(bill!.content as ArrayBuffer).equals(bytes)).toBe(true);
    expect(letter).toMatchObject({ filename: 'letter.eml', mimeType: 'application/octet-stream' });
    expect(Buffer.from(notes!.content as ArrayBuffer).toString()).toBe('a\nb\rc\r\n.');
    expect(textIn(mail)).toBe('See\n\nthe bill');
  });

  it.each([
    ['../../etc/passwd', '_.._etc_passwd'],
    ['..\\..\\evil.bat', '_.._evil.bat'],
    ['invoice\u202Efdp.exe', 'invoice_fdp.exe'],
    ['.htaccess', 'htaccess'],
    ['a"b;c.txt', 'a_b;c.txt'],
    ['', 'file.pdf'],
    ['///', 'file.pdf'],
    [`${'名'.repeat(300)}.pdf`, `${'名'.repeat(146)}.pdf`],
  ])('have safe names: %j', async (name, expected) => {
    const { mail } = await sent(unitOf([media('fil_1', { name, mimeType: 'application/pdf' })], { text: 'x' }), {
      files,
    });
    expect(mail.attachments[0]?.filename).toBe(expected);
  });

  it('are shown where the html refers to them, and attached where it does not', async () => {
    const code = '<p>Look: <img src="cid:logo@1" alt="logo"><img src="cid:none" alt="gone"></p>';
    const parts: Part[] = [
      html(code),
      picture({ contentId: 'logo@1', name: 'a.png' }),
      picture({ contentId: 'other' }),
    ];
    const { mail } = await sent(unitOf(parts), { files });
    const [shown, other] = mail.attachments;
    expect(mail.html).toContain('<img src="cid:logo@1" alt="logo"></p>');
    expect(shown).toMatchObject({ contentId: '<logo@1>', disposition: 'inline', related: true });
    expect(other).toMatchObject({ disposition: 'attachment' });
    expect(other?.contentId).toBeUndefined();
  });

  it('that do not fit are addresses, and those that do are attached', async () => {
    const parts: Part[] = [
      { type: 'text', text: 'See' },
      media('fil_big', { name: 'big.zip', bytes: 90_000 }),
      media('fil_1', { name: 'small.txt', bytes: 10 }),
      media('fil_unknown', { name: 'what.bin', bytes: null }),
    ];
    const { mail } = await sent(unitOf(parts), { smtp: { maxBytes: 100_000 }, files });
    expect(mail.attachments.map(({ filename }) => filename)).toEqual(['small.txt']);
    expect(mail.text).toContain('[file: big.zip] https://files.example/fil_big?for=2592000');
    expect(mail.text).toContain('[file: what.bin] https://files.example/fil_unknown');
  });

  it('make a mail no larger than it may be, which the server is told before', async () => {
    const sizes = [30_000, 40_000, 25_000, 10_000, 3_000];
    const many = Object.fromEntries(sizes.map((size, i) => [`fil_${i}`, Buffer.alloc(size, i)]));
    const parts = sizes.map((bytes, i) => media(`fil_${i}`, { bytes }));
    const { raw } = await sent(unitOf([{ type: 'text', text: '包裹'.repeat(5_000) }, ...parts]), {
      smtp: { maxBytes: 150_000 },
      files: many,
    });
    const told = Number(/SIZE=(\d+)/.exec(smtp.lines.find((line) => line.startsWith('MAIL'))!)?.[1]);
    expect(raw.length).toBeLessThanOrEqual(told);
    expect(told).toBeLessThanOrEqual(150_000);
    expect(raw.length).toBeGreaterThan(100_000);
  });

  it('leave room for the addresses of those that do not fit', async () => {
    const big = Array.from({ length: 48 }, (_, i) =>
      media(`fil_big${i}`, { bytes: 1_000_000, name: `${'n'.repeat(50)}${i}` }),
    );
    const parts = [...big, media('fil_1', { bytes: 42_000 })];
    const { raw, mail } = await sent(unitOf(parts, { text: 'x' }), {
      smtp: { maxBytes: 65_536 },
      files: { fil_1: Buffer.alloc(42_000) },
    });
    expect(Number(/SIZE=(\d+)/.exec(smtp.lines.find((line) => line.startsWith('MAIL'))!)?.[1])).toBeLessThanOrEqual(
      65_536,
    );
    expect(raw.length).toBeLessThanOrEqual(65_536);
    expect(mail.text!.match(/https:\/\/files\.example/g)!.length).toBeGreaterThanOrEqual(48);
  });

  it('keep to what the server takes', async () => {
    const small = await FakeSmtp.start({ certificate, offers: ['SIZE 50000', 'AUTH PLAIN'] });
    const parts = [media('fil_big', { bytes: 45_000, name: 'big.zip' })];
    expect(await sending(unitOf(parts, { text: 'x' }), contextOf(settings(small.port)))).toHaveLength(1);
    expect(small.mails[0]?.raw).toContain('https://files.example/fil_big');
    await small.close();
  });

  it('that cannot be read leave the mail unsent', async () => {
    const parts = [media('fil_1'), media('fil_missing')];
    const outcome = await sending(unitOf(parts, { text: 'x' }), contextOf(settings(smtp.port), files));
    expect(outcome).toMatchObject({ code: 'unavailable' });
    const gone = new ProviderFailure('content-refused', 'the file is gone');
    const ctx = { ...contextOf(settings(smtp.port)), openFile: () => Promise.reject(gone) };
    expect(await sending(unitOf(parts, { text: 'x' }), ctx)).toMatchObject({ code: 'content-refused' });
    expect(smtp.mails).toEqual([]);
  });
});

describe('the envelope', () => {
  it('asks a server that can for reports of failures, with an id that stands in no mail, and whom we wrote to', async () => {
    const reporting = await FakeSmtp.start({ certificate, offers: ['DSN', 'AUTH PLAIN'] });
    const [id] = (await sending(unitOf('x'), contextOf(settings(reporting.port)))) as string[];
    const [from, to] = reporting.lines.filter((line) => /^(?:MAIL|RCPT)/.test(line));
    const [, envelope = ''] = /^MAIL FROM:<support@shop\.example> RET=HDRS ENVID=(\S{1,100})$/.exec(from!) ?? [];
    const { accountId, config } = contextOf(settings(reporting.port));
    const owner = { secret: replySecretOf(config), owner: accountId, domain: 'shop.example' };
    expect(readEnvelopeId(envelope, owner)).toBe(id);
    expect(readEnvelopeId(envelope, { ...owner, owner: 'acc_other' })).toBeNull();
    expect(reporting.mails[0]!.raw).not.toContain(envelope.slice(-16));
    expect(to).toBe(`RCPT TO:<${CUSTOMER}> NOTIFY=FAILURE ORCPT=rfc822;${CUSTOMER}`);
    await reporting.close();
  });
});

describe('addresses with other letters', () => {
  const to = (value: string) =>
    unitOf('你好', {
      thread: { id: 't', externalId: 'k', handles: [{ scheme: 'email', scope: '', value, proof: 'channel' }] },
    });

  it('are written as they are, where the server takes them', async () => {
    await sent(to('用户@例子.example'));
    const utf8 = (text: string) => Buffer.from(text, 'latin1').toString();
    expect(utf8(smtp.lines.find((line) => line.startsWith('RCPT'))!)).toMatch(
      /^RCPT TO:<用户@(?:例子|xn--fsqu00a)\.example>/,
    );
    expect(smtp.lines.find((line) => line.startsWith('MAIL'))).toMatch(/ SMTPUTF8 BODY=8BITMIME/);
    smtp.lines.length = 0;
    await sending(unitOf('你好'), contextOf(settings(smtp.port)));
    expect(smtp.lines.find((line) => line.startsWith('MAIL'))).not.toMatch(/SMTPUTF8|8BITMIME/);
  });

  it('are refused where it does not', async () => {
    const old = await FakeSmtp.start({ certificate, offers: ['AUTH PLAIN'] });
    expect(await sending(to('用户@例子.example'), contextOf(settings(old.port)))).toMatchObject({
      code: 'content-refused',
    });
    expect(await sending(to('user@例子.example'), contextOf(settings(old.port)))).toHaveLength(1);
    expect(old.lines).toContainEqual('RCPT TO:<user@xn--fsqu00a.example>');
    await old.close();
  });
});

describe('the receipt', () => {
  it('has the id too that the server gave the mail in place of ours', async () => {
    smtp.script = { '.': '250 2.0.0 OK <AM0PR01@AM0PR01.eurprd01.prod.outlook.com> [Hostname=AM0PR01]' };
    const [ours, theirs] = (await sent(unitOf('x'))).ids;
    expect(ours).toMatch(/@shop\.example$/);
    expect(theirs).toBe('AM0PR01@AM0PR01.eurprd01.prod.outlook.com');
    smtp.script = {};
  });
});
