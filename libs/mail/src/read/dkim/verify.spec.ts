import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { createTransport } from 'nodemailer';
import { readingContext } from '../../testing/reading.js';
import { readMail } from '../index.js';
import { readHeaders } from '../headers.js';
import { bodyHash, rawHeaders } from './canonical.js';
import { alignedSignatures, isGenuine } from './verify.js';

/** RFC 8463 appendix A: a mail with two signatures, and its keys. */
const RFC8463 = [
  'DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;',
  ' d=football.example.com; i=@football.example.com;',
  ' q=dns/txt; s=brisbane; t=1528637909; h=from : to :',
  ' subject : date : message-id : from : subject : date;',
  ' bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;',
  ' b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus',
  ' Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==',
  'DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;',
  ' d=football.example.com; i=@football.example.com;',
  ' q=dns/txt; s=test; t=1528637909; h=from : to : subject :',
  ' date : message-id : from : subject : date;',
  ' bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;',
  ' b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3',
  ' DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz',
  ' dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=',
  'From: Joe SixPack <joe@football.example.com>',
  'To: Suzie Q <suzie@shopping.example.net>',
  'Subject: Is dinner ready?',
  'Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)',
  'Message-ID: <20030712040037.46341.5F8J@football.example.com>',
  '',
  'Hi.',
  '',
  'We lost the game.  Are you hungry yet?',
  '',
  'Joe.',
  '',
].join('\r\n');
const KEYS: Readonly<Record<string, string>> = {
  'brisbane._domainkey.football.example.com': 'v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=',
  'test._domainkey.football.example.com':
    'v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB',
};
const now = Date.parse('2026-11-22T12:00:00Z');
const keys = (records: Readonly<Record<string, string>>) => (name: string) => Promise.resolve(records[name] === undefined ? [] : [records[name]]); // prettier-ignore

async function verdicts(mail: string, author: string, records = KEYS): Promise<boolean[]> {
  const source = Buffer.from(mail);
  const headers = rawHeaders(source);
  const body = source.subarray(readHeaders(source).bodyAt);
  const hashes = { simple: bodyHash(body, 'simple'), relaxed: bodyHash(body, 'relaxed') };
  const signatures = alignedSignatures(headers, author, now);
  return Promise.all(signatures.map((one) => isGenuine(one, { headers, hashes, resolve: keys(records) })));
}

describe('DKIM', () => {
  it('verifies the mail of RFC 8463, by both algorithms', async () => {
    expect(await verdicts(RFC8463, 'football.example.com')).toEqual([true, true]);
  });

  it.each([
    ['a word of the body', RFC8463.replace('hungry', 'angry')],
    ['the author', RFC8463.replace('joe@', 'jim@')],
    ['the subject', RFC8463.replace('dinner', 'supper')],
    ['a second subject', RFC8463.replace('Subject:', 'Subject: x\r\nSubject:')],
    ['a second author', RFC8463.replace('From:', 'From: jim@football.example.com\r\nFrom:')],
  ])('sees that %s was changed', async (_what, mail) => {
    expect(await verdicts(mail, 'football.example.com')).toEqual([false, false]);
  });

  it('is as good with other blanks where the signature says so', async () => {
    const mail = RFC8463.replace('We lost the game.  Are', 'We lost the game. \t Are  ').replace(
      'Joe.\r\n',
      'Joe. \r\n\r\n\r\n',
    );
    expect(await verdicts(mail.replace('Are   you', 'Are you'), 'football.example.com')).toEqual([true, true]);
  });

  it('vouches for its own domain and those below it alone', async () => {
    expect(await verdicts(RFC8463, 'team.football.example.com')).toEqual([true, true]);
    for (const other of [
      'example.com',
      'other.example.com',
      'xfootball.example.com',
      'football.example.com.evil.example',
    ])
      expect(await verdicts(RFC8463, other)).toEqual([]);
  });

  it.each([
    ['is revoked', { p: 'v=DKIM1; p=' }],
    ['is for tests', { p: 'v=DKIM1; t=y; p=' }],
    ['is for another algorithm', { p: 'v=DKIM1; k=other; p=' }],
    ['is no key', { p: 'v=DKIM1; p=AAAA;' }],
    ['is not there', {}],
  ])('is nothing where the key %s', async (_what, record: { p?: string }) => {
    const [own] = Object.values(KEYS).slice(1);
    const records: Record<string, string> = record.p === undefined ? {} : { 'test._domainkey.football.example.com': record.p.endsWith('p=') && !record.p.endsWith('DKIM1; p=') ? record.p + own!.split('p=')[1]! : record.p }; // prettier-ignore
    expect(await verdicts(RFC8463, 'football.example.com', records)).toEqual([false, false]);
  });

  it.each([
    ['covers only a part of the body', (tags: string) => tags.replace('s=test;', 's=test; l=4;')],
    ['does not cover the author', (tags: string) => tags.replace(/from : /g, '').replace(/: from /g, '')],
    ['has run out', (tags: string) => tags.replace('s=test;', 's=test; x=1528637910;')],
    ['is of an algorithm that is broken', (tags: string) => tags.replace(/rsa-sha256/g, 'rsa-sha1')],
    ['names a place that is none', (tags: string) => tags.replace('s=test;', 's=../../x;')],
  ])('is not looked at where it %s', (_what, change) => {
    const headers = rawHeaders(Buffer.from(change(RFC8463)));
    expect(alignedSignatures(headers, 'football.example.com', now).length).toBeLessThan(2);
  });

  it('proves the sender of what another program signed, in any form, and of nothing else', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048, publicKeyEncoding: { type: 'spki', format: 'der' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } }); // prettier-ignore
    const transport = createTransport({ streamTransport: true, buffer: true });
    const { message } = (await transport.sendMail({
      ...{
        from: 'anna@mail.example',
        to: 'support@shop.example',
        subject: '订单',
        text: 'Hello  there \n\n\n',
        messageId: '<1@mail.example>',
      },
      dkim: { domainName: 'mail.example', keySelector: 's1', privateKey },
    })) as unknown as { message: Buffer };
    const record = { 's1._domainkey.mail.example': `v=DKIM1; p=${publicKey.toString('base64')}` };
    const senderOf = async (source: Buffer, records: Readonly<Record<string, string>> = record) => {
      const mail = (await readMail(source, readingContext({ resolveTxt: keys(records) })))!;
      return { value: mail.author.address, proof: (await mail.doubt()) === undefined ? 'proven' : 'claimed' };
    };
    const proof = async (...mail: Parameters<typeof senderOf>) => (await senderOf(...mail)).proof;
    expect(await proof(message)).toBe('proven');
    expect(await proof(message, {})).toBe('claimed');
    const said = (result: string) =>
      Buffer.from(`Authentication-Results: mx.shop.example; dmarc=${result} header.from=mail.example\r\n`);
    expect(await proof(Buffer.concat([said('none'), message]))).toBe('proven');
    expect(await proof(Buffer.concat([said('fail'), message]))).toBe('claimed');
    expect(await proof(Buffer.from(message.toString().replace('Hello', 'Hallo')))).toBe('claimed');
    expect(await proof(Buffer.from(message.toString().replace('anna@mail', 'eve@mail')))).toBe('claimed');
    expect(await proof(Buffer.concat([Buffer.from('From: eve@mail.example\r\n'), message]))).toBe('claimed');
    const within = message.toString().replace(/^From: .*(?=\r\n)/m, '$&\r\nnothing\r\n <eve@mail.example>');
    expect(await senderOf(Buffer.from(within))).toMatchObject({ value: 'anna@mail.example', proof: 'proven' });
    for (const [line, count] of [
      ['X: 1\r\n', 2_000],
      [`X: ${'1'.repeat(60_000)}\r\n`, 5],
    ] as const)
      expect(
        await proof(
          Buffer.concat([Buffer.from(`DKIM-Signature: x\r\nFrom: eve@mail.example\r\n${line.repeat(count)}`), message]),
        ),
      ).toBe('claimed');
  });

  it('that cannot be looked up leaves the sender claimed, and the mail is read', async () => {
    const resolveTxt = () => Promise.reject(new Error('no name server'));
    const mail = await readMail(Buffer.from(RFC8463), readingContext({ resolveTxt }));
    expect(await mail!.doubt()).toBe('the key of the signature could not be looked up');
  });
});
