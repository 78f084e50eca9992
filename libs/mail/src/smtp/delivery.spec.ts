import { createHash, createVerify, generateKeyPairSync } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';
import { certificate, contextOf, CUSTOMER, media, saying, sending, settings } from '../testing/outbox.js';
import { SmtpSession } from './connection.js';

/** A real mail server, as far as its library is one, and what it is told to refuse. */
interface Mailbox {
  readonly server: SMTPServer;
  readonly port: number;
  readonly mails: { raw: string; from: string; to: string[]; secure: boolean; user: string }[];
  readonly logins: string[];
  refuse: { at?: 'auth' | 'mail' | 'rcpt' | 'data'; code?: number; words?: string };
}

async function mailbox(secure: boolean): Promise<Mailbox> {
  const mails: Mailbox['mails'] = [];
  const logins: string[] = [];
  const box = { mails, logins, refuse: {} } as unknown as { -readonly [K in keyof Mailbox]: Mailbox[K] };
  const refusal = (at: string) => {
    if (box.refuse.at !== at) return null;
    return Object.assign(new Error(box.refuse.words ?? 'no'), { responseCode: box.refuse.code ?? 550 });
  };
  const finish = (chunks: Buffer[], session: SMTPServerSession) => {
    const { mailFrom, rcptTo } = session.envelope;
    mails.push({
      raw: Buffer.concat(chunks).toString('latin1'),
      from: (mailFrom as { address: string }).address,
      to: rcptTo.map(({ address }) => address),
      ...{ secure: session.secure === true, user: String(session.user) },
    });
  };
  box.server = new SMTPServer({
    ...{ secure, ...certificate, logger: false, authMethods: ['PLAIN', 'LOGIN', 'XOAUTH2'], size: 5_000_000 },
    onAuth({ method, username = '', password = '', accessToken = '' }, _session, done) {
      logins.push(`${method} ${username} ${password || accessToken}`);
      const good = password === 'a-secret-password' || accessToken === 'good-token';
      const refused = refusal('auth');
      if (refused || good) return done(refused, { user: username });
      done(null, { data: { status: '401', schemes: 'bearer', scope: 'mail' } });
    },
    onMailFrom: (_address, _session, done) => done(refusal('mail')),
    onRcptTo: (_address, _session, done) => done(refusal('rcpt')),
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.once('end', () => {
        const refused = refusal('data');
        if (!refused) finish(chunks, session);
        done(refused, 'queued');
      });
    },
  });
  box.server.on('error', () => undefined);
  await new Promise<void>((done) => box.server.listen(0, '127.0.0.1', done));
  box.port = (box.server.server.address() as AddressInfo).port;
  return box;
}

let boxes: Mailbox[];
beforeAll(async () => {
  boxes = [await mailbox(true), await mailbox(false)];
});
beforeEach(() => {
  for (const box of boxes) {
    box.refuse = {};
    box.mails.length = 0;
    box.logins.length = 0;
  }
});
afterAll(() => Promise.all(boxes.map(({ server }) => new Promise<void>((done) => server.close(() => done())))));

const account = (which: 0 | 1, more: object = {}) =>
  settings(boxes[which]!.port, more, { security: which === 0 ? 'tls' : 'starttls' });

describe.each([0, 1] as const)('a mail server with TLS from the start, or by STARTTLS (%i)', (which) => {
  it('takes mail with files', async () => {
    const bytes = Buffer.alloc(1_000_000, 'ab\r\n.\r\n');
    const parts = [{ type: 'text' as const, text: '您好\n.\n' }, media('fil_1', { bytes: bytes.length })];
    const ids = await sending(saying(parts), contextOf(account(which), { fil_1: bytes }));
    const [mail] = boxes[which]!.mails;
    expect(mail).toMatchObject({
      from: 'support@shop.example',
      to: [CUSTOMER],
      secure: true,
      user: 'support@shop.example',
    });
    expect(mail?.raw.replace(/\r\n /g, ' ')).toContain(`Message-ID: <${(ids as string[])[0]}>`);
    const [, encoded = ''] = /base64\r\n(?:.+\r\n)*\r\n([A-Za-z0-9+/=\r\n]{1000,})/.exec(mail!.raw) ?? [];
    expect(Buffer.from(encoded, 'base64').equals(bytes)).toBe(true);
  });

  it('takes several mails at once', async () => {
    const ids = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        sending(saying(`mail ${i}`, { unique: `unt_${i}` }), contextOf(account(which))),
      ),
    );
    expect(new Set(ids.flat()).size).toBe(10);
    expect(boxes[which]!.mails).toHaveLength(10);
  });

  it.each([
    ['auth', 535, '5.7.8 wrong', 'unauthorized'],
    ['mail', 553, '5.7.1 not yours', 'unauthorized'],
    ['mail', 451, '4.3.0 later', 'unavailable'],
    ['rcpt', 550, '5.1.1 nobody', 'recipient-gone'],
    ['rcpt', 450, '4.7.1 greylisted', 'throttled'],
    ['data', 554, '5.7.1 spam', 'content-refused'],
    ['data', 451, '4.7.1 slow down', 'throttled'],
  ] as const)('that refuses at %s with %i %s', async (...[at, code, words, failure]) => {
    boxes[which]!.refuse = { at, code, words };
    const outcome = await sending(saying('hello'), contextOf(account(which)));
    expect(outcome).toMatchObject({ code: failure, message: expect.stringContaining(String(code)) });
    expect(boxes[which]!.mails).toEqual([]);
  });

  it('is away', async () => {
    const box = await mailbox(which === 0);
    await new Promise<void>((done) => box.server.close(() => done()));
    const config = settings(box.port, {}, { security: which === 0 ? 'tls' : 'starttls' });
    expect(await sending(saying('hello'), contextOf(config))).toMatchObject({ code: 'unavailable' });
  });
});

describe('the login', () => {
  const oauth = {
    ...{ password: undefined, oauth: { provider: 'other', clientId: 'c', refreshToken: 'r' } },
  };
  const tokens = (given: string[]) => {
    const config = account(0, { ...oauth, oauth: { ...oauth.oauth, endpoint: 'https://tokens.example' } });
    const context = contextOf(config);
    const request = () => {
      const body = { access_token: given.shift() };
      return Promise.resolve({ status: 200, headers: {}, json: () => body, text: () => JSON.stringify(body) });
    };
    return { ...context, http: { request } as never };
  };

  it('is by an access token, fetched anew once where it is refused', async () => {
    expect(await sending(saying('hello'), tokens(['old-token', 'good-token']))).toHaveLength(1);
    expect(boxes[0]!.logins).toEqual([
      'XOAUTH2 support@shop.example old-token',
      'XOAUTH2 support@shop.example good-token',
    ]);
    expect(await sending(saying('hello'), tokens(['old-token', 'other-token']))).toMatchObject({
      code: 'unauthorized',
    });
  });

  it('is by the name and the password that are set for this server', async () => {
    const more = { imap: { host: '127.0.0.1', password: 'x' } };
    const smtp = { user: 'relay-user', password: 'a-secret-password' };
    await sending(saying('hello'), contextOf(settings(boxes[0]!.port, { ...more, password: 'other' }, smtp)));
    expect(boxes[0]!.logins).toEqual(['PLAIN relay-user a-secret-password']);
  });

  it('is all that a test of the credentials does', async () => {
    const session = await SmtpSession.open(contextOf(account(0)), { user: 'u', pass: 'a-secret-password' });
    session.close();
    expect(session.offers.maxBytes).toBe(5_000_000);
    expect(boxes[0]!.logins).toHaveLength(1);
    expect(boxes[0]!.mails).toEqual([]);
  });
});

describe('a signature by DKIM', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const dkim = { domain: 'shop.example', selector: 'key1', privateKey: pem };

  /** RFC 6376, relaxed/relaxed: by hand, so that it does not hang on the library that signs. */
  function verifies(raw: string): boolean {
    const end = raw.indexOf('\r\n\r\n');
    const fields = raw.slice(0, end).split(/\r\n(?![ \t])/);
    const relaxed = (field: string) => {
      const [, name = '', value = ''] = /^([^:]+):([^]*)$/.exec(field) ?? [];
      return `${name.trim().toLowerCase()}:${value.replace(/\r\n/g, '').replace(/[ \t]+/g, ' ').trim()}`; // prettier-ignore
    };
    const own = fields.find((field) => /^dkim-signature:/i.test(field)) ?? '';
    const tags = Object.fromEntries(relaxed(own).replace(/^[^:]+:/, '').split(';').map((tag) => tag.trim().split(/=(.*)/s))); // prettier-ignore
    const body = raw.slice(end + 4).replace(/[ \t]+(?=\r\n)/g, '').replace(/[ \t]+/g, ' ').replace(/(?:\r\n)*$/, '\r\n'); // prettier-ignore
    const bodyHash = createHash('sha256').update(body, 'latin1').digest('base64');
    const signed = String(tags.h).split(':').map((name) => relaxed(fields.find((f) => f.toLowerCase().startsWith(`${name.trim().toLowerCase()}:`)) ?? '')); // prettier-ignore
    const unsigned = relaxed(own).replace(/b=[^;]*$/, 'b=');
    const verify = createVerify('sha256').update(
      `${signed.filter((field) => field !== ':').join('\r\n')}\r\n${unsigned}`,
    );
    return (
      tags.d === 'shop.example' &&
      tags.s === 'key1' &&
      tags.bh.replace(/\s/g, '') === bodyHash &&
      verify.verify(publicKey, String(tags.b).replace(/\s/g, ''), 'base64')
    );
  }

  it('holds, of all headers that matter and of the whole mail', async () => {
    const parts = [
      { type: 'text' as const, text: '您好  \n\n.\n\n' },
      media('fil_1', { bytes: 50_000, name: '发票.pdf' }),
    ];
    const files = { fil_1: Buffer.alloc(50_000, 7) };
    await sending(saying(parts, { subject: 'Re: A  b', answers: 'x@y' }), contextOf(account(0, { dkim }), files));
    const { raw } = boxes[0]!.mails[0]!;
    expect(verifies(raw)).toBe(true);
    expect(/^DKIM-Signature:[^]*?[;\s]h=([^;]*);/m.exec(raw)?.[1]?.toLowerCase().replace(/\s/g, '').split(':')).toEqual(
      expect.arrayContaining(['from', 'to', 'subject', 'date', 'message-id', 'in-reply-to', 'references']),
    );
    expect(verifies(raw.replace('发票', 'x').replace('Subject: Re', 'Subject: Rf'))).toBe(false);
    expect(verifies(raw.replace(/BwcH/, 'BwcI'))).toBe(false);
  });

  it.each([
    ['is none', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'],
    [
      'is of another kind',
      generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    ],
  ])('by a key that %s stops the account before anything is said', async (_which, wrong) => {
    const outcome = await sending(saying('hello'), contextOf(account(0, { dkim: { ...dkim, privateKey: wrong } })));
    expect(outcome).toMatchObject({ code: 'config-invalid', message: 'dkim.privateKey is no RSA private key in PEM' });
    expect(boxes[0]!.logins).toEqual([]);
  });
});
