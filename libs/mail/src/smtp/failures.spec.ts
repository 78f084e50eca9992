import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ProviderFailure } from '#normalizer';
import { addressGuard, guardedDial } from '#transport';
import { FakeSmtp, type Script } from '../testing/fake-smtp.js';
import { certificate, contextOf, saying, sending, settings } from '../testing/outbox.js';
import { meaningOf, type Stage } from './reply-codes.js';

let smtp: FakeSmtp;
let clear: FakeSmtp;
beforeAll(async () => {
  smtp = await FakeSmtp.start({ certificate });
  clear = await FakeSmtp.start({ certificate, security: 'starttls' });
});
beforeEach(() => {
  for (const server of [smtp, clear]) {
    server.script = {};
    server.mails.length = 0;
    server.inTheClear.length = 0;
    server.lines.length = 0;
  }
});
afterAll(() => Promise.all([smtp.close(), clear.close()]));

const attempt = (script: Script, more: object = {}) => {
  smtp.script = script;
  return sending(saying('hello'), contextOf(settings(smtp.port, {}, { timeoutMs: 5_000, ...more })));
};
const failure = async (script: Script, more: object = {}) => {
  const outcome = await attempt(script, more);
  if (!(outcome instanceof ProviderFailure)) throw new Error(`it was sent: ${JSON.stringify(outcome)}`);
  return outcome;
};

describe('a reply of the mail server', () => {
  it.each<[Script, string, string?]>([
    [{ connect: '421 4.3.2 shutting down' }, 'unavailable'],
    [{ connect: '421 too many connections' }, 'throttled'],
    [{ connect: '554 5.7.1 go away' }, 'unavailable'],
    [{ connect: 'HTTP/1.1 400 Bad Request' }, 'unavailable'],
    [{ EHLO: '421 bye' }, 'throttled'],
    [{ EHLO: '550 5.5.0 no', HELO: '550 no' }, 'unavailable'],
    [{ AUTH: '535 5.7.8 wrong' }, 'unauthorized'],
    [{ AUTH: '534 5.7.9 application-specific password required' }, 'unauthorized'],
    [{ AUTH: '550 5.7.30 Basic authentication is not supported' }, 'unauthorized'],
    [{ AUTH: '504 5.5.4 unknown mechanism' }, 'config-invalid'],
    [{ AUTH: '454 4.7.0 temporary authentication failure' }, 'unavailable'],
    [{ AUTH: '454 4.7.0 Too many login attempts' }, 'throttled'],
    [{ AUTH: '421 4.7.0 try later' }, 'unavailable'],
    [{ MAIL: '530 5.7.0 authentication required' }, 'unauthorized'],
    [{ MAIL: '553 5.7.1 sender address rejected: not owned by user' }, 'unauthorized'],
    [{ MAIL: '550 5.7.60 SMTP; Client does not have permissions to send as this sender' }, 'unauthorized'],
    [{ MAIL: '550 no' }, 'unauthorized'],
    [{ MAIL: '552 5.3.4 message size exceeds limit' }, 'content-refused'],
    [{ MAIL: '552 message size exceeds limit' }, 'content-refused'],
    [{ MAIL: '452 4.3.1 insufficient system storage' }, 'unavailable'],
    [{ MAIL: '450 4.7.1 rate' }, 'throttled'],
    [{ MAIL: '432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded' }, 'throttled'],
    [{ MAIL: '550 5.4.5 Daily user sending limit exceeded' }, 'throttled'],
    [{ MAIL: '421 4.4.2 timeout' }, 'unavailable'],
    [{ MAIL: '553 5.1.8 no such sender', DATA: '354 go on' }, 'unauthorized'],
    [{ RCPT: '550 5.1.1 no such user', DATA: '354 go on' }, 'recipient-gone'],
    [{ RCPT: '550 5.1.1 no such user' }, 'recipient-gone'],
    [{ RCPT: '550 5.1.10 RESOLVER.ADR.RecipientNotFound' }, 'recipient-gone'],
    [{ RCPT: '550-5.1.1 The email account that you tried\r\n550 5.1.1 to reach does not exist' }, 'recipient-gone'],
    [{ RCPT: '550 Mailbox not found' }, 'recipient-gone'],
    [{ RCPT: '550 5.4.1 Recipient address rejected: Access denied' }, 'recipient-gone'],
    [{ RCPT: '501 5.1.3 bad syntax' }, 'recipient-gone'],
    [{ RCPT: '552 5.2.2 over quota' }, 'recipient-gone'],
    [{ RCPT: '554 5.7.1 Relay access denied' }, 'unauthorized'],
    [{ RCPT: '550 5.7.1 blocked using zen.example' }, 'content-refused'],
    [{ RCPT: '452 4.2.2 mailbox full' }, 'unavailable'],
    [{ RCPT: '450 4.7.1 greylisted' }, 'throttled', 'item'],
    [{ RCPT: '450 4.2.1 The user is receiving mail at a rate that' }, 'throttled', 'item'],
    [{ RCPT: '451 4.3.0 lookup failure' }, 'unavailable'],
    [{ DATA: '451 4.3.0 not now' }, 'unavailable'],
    [{ DATA: '554 5.5.1 no valid recipients' }, 'content-refused'],
    [{ '.': '554 5.7.1 spam' }, 'content-refused'],
    [{ '.': '550 5.7.26 unauthenticated' }, 'content-refused'],
    [{ '.': '554 DT:SPM 126 smtp8' }, 'content-refused'],
    [{ '.': '552 5.3.4 too big' }, 'content-refused'],
    [{ '.': '552 message size exceeds limit' }, 'content-refused'],
    [{ '.': '550 5.1.1 unknown user' }, 'recipient-gone'],
    [{ '.': '451 4.7.1 too many messages' }, 'throttled'],
    [{ '.': '452 4.3.1 disk' }, 'unavailable'],
    [{ '.': '421 4.3.0 closing' }, 'unavailable'],
    [{ '.': '550 5.4.5 Daily sending quota exceeded' }, 'throttled'],
  ])('%j is %s', async (...[script, code, scope]) => {
    const { code: got, scope: whose, message, providerCode } = await failure(script);
    expect({ got, message }).toEqual({ got: code, message: expect.any(String) });
    if (scope) expect(whose).toBe(scope);
    const reply = Object.values(script)[0] ?? '';
    if (/^[45]/.test(reply)) expect(providerCode).toMatch(new RegExp(`^${reply.slice(0, 3)}`));
  });

  it('says what the server said, in one line, without the account’s secrets', async () => {
    const { message } = await failure({ RCPT: '550-5.1.1 nobody\r\n550 5.1.1 a-secret-password \x07here' });
    expect(message).toBe('SMTP 550 5.1.1: there is no such recipient (nobody *** here)');
    expect((await failure({ AUTH: '535 5.7.8 a-secret-password dXNlcg==' })).message).toBe(
      'SMTP 535 5.7.8: the login is refused',
    );
  });

  it('that says the quota of the day is used up holds the account up for an hour', async () => {
    expect((await failure({ '.': '550 5.4.5 quota' })).retryAfterMs).toBe(3_600_000);
  });

  it('of one recipient holds up no other', async () => {
    const stages: Stage[] = ['login', 'sender', 'recipient', 'message'];
    const items = stages.filter((stage) => meaningOf({ reply: 450, enhanced: '4.7.1', text: 'x', stage }).item);
    expect(items).toEqual(['recipient']);
  });
});

describe('a connection', () => {
  it.each<[string, Script, string]>([
    ['before the greeting', { connect: 'close' }, 'unavailable'],
    ['in place of EHLO’s answer', { EHLO: 'close' }, 'unavailable'],
    ['within the login', { AUTH: 'close' }, 'unavailable'],
    ['after MAIL', { MAIL: 'close' }, 'unavailable'],
    ['after RCPT', { RCPT: 'close' }, 'unavailable'],
    ['after DATA', { DATA: 'close' }, 'unavailable'],
    ['within the mail', { BODY: 'close' }, 'unavailable'],
    ['after the whole mail', { '.': 'close' }, 'outcome-unknown'],
    ['within the answer to the mail', { '.': '25\0' }, 'outcome-unknown'],
  ])('that ends %s', async (_when, script, code) => {
    // A mail longer than what buffers hold: its end is not given before the server reads.
    smtp.script = script;
    const text = script.BODY ? 'word '.repeat(2_000_000) : 'hello';
    const outcome = await sending(saying(text), contextOf(settings(smtp.port)));
    expect(outcome).toMatchObject({ code });
  });

  it.each<[string, Script, string]>([
    ['the greeting', { connect: 'hang' }, 'unavailable'],
    ['EHLO', { EHLO: 'hang' }, 'unavailable'],
    ['the login', { AUTH: 'hang' }, 'unavailable'],
    ['MAIL', { MAIL: 'hang' }, 'unavailable'],
    ['DATA', { DATA: 'hang' }, 'unavailable'],
    ['the mail', { '.': 'hang' }, 'outcome-unknown'],
    ['the mail, byte by byte for ever', { '.': 'drip' }, 'outcome-unknown'],
    ['EHLO, byte by byte for ever', { EHLO: 'drip' }, 'unavailable'],
  ])('on which the server is silent after %s', async (_what, script, code) => {
    // Where the mail has to be on its way by then, there is time for that.
    expect((await failure(script, { timeoutMs: script['.'] ? 700 : 150 })).code).toBe(code);
  });

  it('whose answer to the mail is none that can be read', async () => {
    expect((await failure({ '.': '<html>Welcome</html>' })).code).toBe('reply-unreadable');
  });

  it('whose answer never ends is cut off', async () => {
    const endless = `250-${'x'.repeat(1_000)}\r\n`.repeat(200).trimEnd();
    expect((await failure({ EHLO: endless })).code).toBe('unavailable');
  });

  it('to nobody', async () => {
    expect(await sending(saying('hello'), contextOf(settings(1)))).toMatchObject({ code: 'unavailable' });
  });

  it('to an address that is not allowed is not made', async () => {
    const ctx = { ...contextOf(settings(smtp.port)), dial: guardedDial(addressGuard([])) };
    expect(await sending(saying('hello'), ctx)).toMatchObject({ code: 'config-invalid' });
    expect(smtp.lines).toEqual([]);
  });

  it('is given up when sending is to stop', async () => {
    smtp.script = { MAIL: 'hang' };
    const stop = new AbortController();
    const ctx = { ...contextOf(settings(smtp.port)), signal: stop.signal };
    const outcome = sending(saying('hello'), ctx);
    while (!smtp.lines.some((line) => line.startsWith('MAIL'))) await new Promise((done) => setTimeout(done, 5));
    stop.abort();
    expect(await outcome).toMatchObject({ code: 'unavailable' });
  });

  it('leaves nothing open', async () => {
    await attempt({});
    await failure({ RCPT: '550 5.1.1 nobody' });
    await failure({ AUTH: '535 no' });
    while (smtp.connections > 0) await new Promise((done) => setTimeout(done, 5));
  });
});

describe('encryption', () => {
  const inClear = (more: object = {}) =>
    sending(saying('hello'), contextOf(settings(clear.port, {}, { security: 'starttls', timeoutMs: 2_000, ...more })));

  it('begins by STARTTLS before anything is said that is not for everybody', async () => {
    expect(await inClear()).toHaveLength(1);
    expect(clear.mails).toHaveLength(1);
    expect(clear.inTheClear).toEqual([]);
  });

  it.each<[string, Script]>([
    ['offers none', { EHLO: '250-fake.example\r\n250 AUTH PLAIN' }],
    ['refuses it', { STARTTLS: '454 4.7.0 TLS not available' }],
    ['refuses it for good', { STARTTLS: '502 5.5.1 no' }],
    ['knows no EHLO', { EHLO: '502 no' }],
    ['hangs', { STARTTLS: 'hang' }],
    [
      'is somebody in between, who says more than its answer',
      { STARTTLS: '220 go\r\n235 welcome\r\n250 ok\r\n250 ok' },
    ],
  ])('that fails ends it: the server %s', async (_why, script) => {
    clear.script = script;
    const outcome = await inClear();
    if (outcome instanceof ProviderFailure) expect(outcome.code).toBe('unavailable');
    expect(clear.inTheClear).toEqual([]);
    expect(clear.mails).toHaveLength(outcome instanceof ProviderFailure ? 0 : 1);
  });

  it.each([
    ['is nobody’s that we trust', { tls: {} }],
    ['is for another name', { tls: { ca: certificate.cert, serverName: 'other.example' } }],
  ])('is not begun with a certificate that %s', async (_why, smtpSettings) => {
    const outcome = await sending(saying('hello'), contextOf(settings(smtp.port, {}, smtpSettings)));
    expect(outcome).toMatchObject({ code: 'unavailable' });
    expect(await inClear(smtpSettings)).toMatchObject({ code: 'unavailable' });
    expect([...smtp.lines, ...clear.mails]).toEqual([]);
  });

  it('takes the name that is set', async () => {
    const tls = { ca: certificate.cert, serverName: 'mail.fake.example' };
    expect(await sending(saying('hello'), contextOf(settings(smtp.port, {}, { tls })))).toHaveLength(1);
    expect(await inClear({ tls })).toHaveLength(1);
  });
});
