import { connect } from 'node:net';
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { describeOnEmbedded } from '#database/testing';
import { rebindVisitor } from '#identity';
import { SignJWT, UnsecuredJWT } from 'jose';
import { WebSocket } from 'ws';
import { ChatBench, SECRET, type Browser } from './testing/chat-bench.js';

const key = (text: string) => new TextEncoder().encode(text);
const token = (sub: string, claims: Record<string, unknown> = {}, secret = SECRET) =>
  new SignJWT({ exp: Math.floor(Date.now() / 1_000) + 600, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(sub)
    .sign(key(secret));

describeOnEmbedded('the chat socket, attacked', (open) => {
  let bench: ChatBench;
  beforeAll(async () => {
    bench = await ChatBench.open(open);
  });
  afterAll(() => bench.stop());
  afterEach(() => {
    for (const { ws } of bench.browsers.splice(0)) ws.terminate();
    expect(bench.errors.splice(0)).toEqual([]);
  });

  const again = (browser: Browser, after = 0) => bench.visitor({ session: browser.welcome.session, after });
  const texts = (browser: Browser) => browser.messages().map(({ seq, text }) => `${seq}:${text}`);
  const count = async () => (await bench.db.query<{ n: number }>('select count(*)::int as n from message'))[0]!.n;
  const restarted = async (...args: Parameters<ChatBench['start']>) => {
    await bench.stop();
    await bench.start(...args);
  };

  async function identify(browser: Browser, jwt: string) {
    browser.send({ type: 'identify', token: jwt });
    browser.welcome = await browser.next('welcome');
    await browser.next('caught-up');
    return browser;
  }
  async function refusal(browser: Browser, jwt: string) {
    browser.send({ type: 'identify', token: jwt });
    return (await browser.next('error')).code;
  }

  it.each([
    ['text that is no JSON', '{'],
    ['nothing', ''],
    ['an unknown frame', '{"type":"drop table"}'],
    ['a prototype', '{"type":"message","__proto__":{"clientId":"12345678"}}'],
    ['a second hello', '{"type":"hello","account":"web"}'],
    ['100,000 brackets', '['.repeat(60_000)],
    ['an account that is an object', '{"type":"hello","account":{}}'],
  ])('hangs up on %s', async (_, frame) => {
    const visitor = await bench.visitor();
    visitor.ws.send(frame);
    expect([(await visitor.next('error')).code, (await visitor.gone()).code]).toEqual(['protocol', 4400]);
  });

  it('hangs up on binary frames, on frames beyond 64 KiB, and on bytes that are no UTF-8', async () => {
    const binary = await bench.visitor();
    binary.ws.send(Buffer.from('{"type":"ping"}'), { binary: true });
    expect((await binary.gone()).code).toBe(4400);
    const large = await bench.visitor();
    large.ws.send(
      JSON.stringify({ type: 'message', clientId: 'large-frame', parts: [{ type: 'text', text: 'x'.repeat(65_536) }] }),
    );
    expect((await large.gone()).code).toBe(1009);
    const broken = await bench.visitor();
    broken.ws.send(Buffer.from([0x7b, 0xff, 0xfe]), { binary: false });
    expect((await broken.gone()).code).toBe(1007);
  });

  it('takes nothing before hello, and waits for it only so long', async () => {
    const before = await count();
    const rude = await bench.connect();
    rude.send({ type: 'message', clientId: 'too-early-1', parts: [{ type: 'text', text: 'x' }] });
    expect([(await rude.next('error')).code, (await rude.gone()).code]).toEqual(['protocol', 4400]);
    expect(await count()).toBe(before);
    await restarted({ helloMs: 50 });
    const silent = await bench.connect();
    expect([(await silent.next('error')).detail, (await silent.gone()).code]).toEqual(['there was no hello', 4400]);
    await restarted();
  });

  it.each([
    ['html', { type: 'html', html: '<script>alert(1)</script>', text: 'x' }],
    ['a card', { type: 'card', title: 'Log in', actions: [{ label: 'x', url: 'https://evil.example' }] }],
    ['a template', { type: 'template', name: 'x' }],
    ['a file of nobody', { type: 'media', kind: 'image', fileId: `fil_${'0'.repeat(32)}` }],
    ['an address to fetch', { type: 'media', kind: 'image', url: 'http://169.254.169.254/' }],
    ['a reference to fetch', { type: 'media', kind: 'image', ref: 'secret' }],
    ['blanks', { type: 'text', text: ' \n\t ' }],
    ['more text than is taken', { type: 'text', text: 'x'.repeat(10_001) }],
    ['a part that is none', { type: 'text', text: 7 }],
  ])('refuses %s, and goes on', async (_, part) => {
    const visitor = await bench.visitor();
    visitor.send({ type: 'message', clientId: 'refused-content', parts: [part] });
    expect(await visitor.next('refused')).toMatchObject({ clientId: 'refused-content', code: 'content-refused' });
    expect((await visitor.say('still here')).seq).toBe(1);
  });

  it('stores what a browser sent before it went away, whole or not at all', async () => {
    const visitor = await bench.visitor();
    visitor.send({ type: 'message', clientId: 'last-words-1', parts: [{ type: 'text', text: 'last words' }] });
    visitor.ws.terminate();
    visitor.ws.close();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([['1:last words'], []]).toContainEqual(texts(await again(visitor)));
  });

  it('refuses sessions that were forged, and such of other accounts', async () => {
    const alice = await bench.visitor();
    await alice.say('private');
    const [head, body, sig] = alice.welcome.session.split('.') as [string, string, string];
    const none = new UnsecuredJWT({ sub: 'vis_x', aud: 'web' }).setExpirationTime('1h').encode();
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as object;
    const altered = Buffer.from(JSON.stringify({ ...claims, person: { sub: 'admin' } })).toString('base64url');
    for (const session of [
      `${head}.${body}.${sig.slice(0, -2)}AA`,
      `${head}.${altered}.${sig}`,
      none,
      `${head}.${body}.`,
      'x',
      '',
    ]) {
      const page = await bench.visitor({ session });
      expect([page.welcome.fresh, page.welcome.user, texts(page)]).toEqual([true, null, []]);
    }
  });

  it('takes only the account\u2019s own signature for an identity', async () => {
    const visitor = await bench.visitor();
    const now = Math.floor(Date.now() / 1_000);
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const forged = [
      new UnsecuredJWT({ sub: 'x' }).setExpirationTime('1h').encode(),
      await token('x', {}, 'another secret of enough bytes'),
      await token('x', {}, `${SECRET} 2`),
      await new SignJWT({ exp: now + 60 }).setProtectedHeader({ alg: 'HS512' }).setSubject('x').sign(key(SECRET)),
      await new SignJWT({ exp: now + 60 }).setProtectedHeader({ alg: 'EdDSA' }).setSubject('x').sign(privateKey),
      await token('x', { exp: now - 120 }),
      await token('x', { exp: now + 40 * 86_400 }),
      await token('x', { exp: undefined }),
      await token('x', { nbf: now + 600 }),
      await token('x', { iat: now + 600 }),
      await token('x', { aud: 'web2' }),
      await token('   '),
      await token('x'.repeat(400)),
      'not a token',
    ];
    for (const jwt of forged) expect([jwt, await refusal(visitor, jwt)]).toEqual([jwt, 'identity-invalid']);
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    bench.account('web2', { origins: ['*'], publicKey: pem });
    await restarted();
    const other = await bench.visitor({ account: 'web2' });
    expect(await refusal(other, await token('x', {}, pem))).toBe('identity-invalid');
    const signed = await new SignJWT({ exp: now + 60, name: 'Li' })
      .setProtectedHeader({ alg: 'EdDSA' })
      .setSubject('ed')
      .sign(privateKey);
    expect((await identify(other, signed)).welcome.user).toEqual({ id: 'ed', name: 'Li' });
    const skewed = await token('skewed', { exp: now - 30 });
    expect((await identify(visitor.closed ? await bench.visitor() : visitor, skewed)).welcome.user!.id).toBe('skewed');
  });

  it('binds an anonymous visitor to who they prove to be, on every device', async () => {
    const laptop = await bench.visitor();
    const { id } = await laptop.say('from the laptop');
    await identify(laptop, await token('alice', { name: 'Alice', email: 'Alice@Example.com', phone: 'no phone' }));
    expect(laptop.welcome).toMatchObject({ fresh: false, user: { id: 'alice', name: 'Alice' } });
    await laptop.say('as Alice');
    const phone = await bench.visitor();
    await phone.say('from the phone');
    const otherTab = await again(phone);
    await identify(phone, await token('alice'));
    expect(await otherTab.gone()).toMatchObject({ code: 1012 });
    expect(texts(await again(phone))).toEqual(['1:from the laptop', '2:as Alice', '3:from the phone']);
    await bench.answer(id, 'hello Alice');
    for (const device of [laptop, phone]) await device.until((f) => f.type === 'message' && f.text === 'hello Alice');
    const [contact] = await bench.db.query<{ view: { handles: { scheme: string; value: string; proof: string }[] } }>(
      `select contact_view(contact_id) as view from handle where scheme = 'client' and value = 'alice'`); // prettier-ignore
    expect(contact!.view.handles).toEqual(expect.arrayContaining([
      expect.objectContaining({ scheme: 'client', value: 'alice', proof: 'verified' }),
      expect.objectContaining({ scheme: 'email', value: 'alice@example.com', proof: 'verified' }),
    ])); // prettier-ignore
  });

  it('never joins two people: another sub begins anew, and what the first one wrote stays theirs', async () => {
    const browser = await bench.visitor();
    await browser.say('before anyone');
    await identify(browser, await token('bob'));
    await browser.say('as Bob');
    await identify(browser, await token('carol'));
    expect(browser.welcome).toMatchObject({ fresh: true, threadId: null, user: { id: 'carol' } });
    await browser.say('as Carol');
    const contacts = await bench.db.query(`select distinct contact_id from handle where value in ('bob', 'carol')`);
    expect(contacts).toHaveLength(2);
    const bob = await identify(await bench.visitor(), await token('bob'));
    expect(texts(await again(bob))).toEqual(['1:before anyone', '2:as Bob']);
    const stolen = await bench.visitor();
    await stolen.say('I am Dan');
    const old = stolen.welcome.session;
    await identify(stolen, await token('dan'));
    const thief = await bench.visitor({ session: old });
    expect([thief.welcome.fresh, texts(thief)]).toEqual([true, []]);
    expect(texts(await identify(thief, await token('eve')))).toEqual([]);
  });

  it('makes no visitor of a session whose visitor has become a person elsewhere', async () => {
    const stale = await bench.visitor();
    await stale.say('before');
    const { session } = stale.welcome;
    const [, body] = session.split('.') as [string, string];
    const { sub: visitorId } = JSON.parse(Buffer.from(body, 'base64url').toString()) as { sub: string };
    const handles = [{ scheme: 'client', scope: 'web', value: 'grace', proof: 'verified' as const }];
    await bench.db.transaction((sql) =>
      rebindVisitor(sql, { accountId: 'web', visitorId, handles, thread: 'client:grace' }),
    );
    stale.send({ type: 'message', clientId: 'from-a-stale-tab', parts: [{ type: 'text', text: 'after' }] });
    expect(await stale.gone()).toEqual({ code: 1012, reason: 'say hello again' });
    const threads = () => bench.db.query('select id from thread where external_id = $1', [visitorId]);
    expect(await threads()).toEqual([]);
    const again = await bench.visitor({ session });
    expect([again.welcome.fresh, texts(again)]).toEqual([true, []]);
    await again.say('somebody new');
    expect(await threads()).toEqual([]);
    const grace = await identify(await bench.visitor(), await token('grace'));
    expect(texts(grace)).toEqual(['1:before']);
  });

  it('lets an office identify itself behind one address, and stops who guesses tokens', async () => {
    await restarted();
    const office = await bench.visitor();
    for (let i = 0; i < 25; i += 1) await identify(office, await token(`colleague ${i}`));
    expect(office.welcome.user).toMatchObject({ id: 'colleague 24' });
    for (let i = 0; i < 20; i += 1) expect(await refusal(office, 'guessed')).toBe('identity-invalid');
    expect(await refusal(office, 'guessed')).toBe('rate-limited');
    await restarted();
  });

  it('makes only so many visitors for one address, and lets in whom it knows', async () => {
    await restarted({}, { messagesPerMinute: 100, connectionsPerAddress: 3 });
    const leave = async ({ ws }: Browser) => {
      const before = bench.server.size;
      ws.terminate();
      while (bench.server.size === before) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    const known = await bench.visitor();
    await leave(known);
    for (let i = 0; i < 5; i += 1) await leave(await bench.visitor());
    const seventh = await bench.connect();
    seventh.send({ type: 'hello', account: 'web', after: 0 });
    expect([(await seventh.next('error')).code, (await seventh.gone()).code]).toEqual(['rate-limited', 1013]);
    expect((await again(known)).welcome.fresh).toBe(false);
    await restarted();
  });

  it('slows down who writes too much, and takes it later', async () => {
    await restarted({}, { messagesPerMinute: 3, connectionsPerAddress: 100 });
    const visitor = await bench.visitor();
    for (let i = 0; i < 3; i += 1) await visitor.say(`m${i}`);
    visitor.send({ type: 'message', clientId: 'one-too-many', parts: [{ type: 'text', text: 'x' }] });
    const refused = await visitor.next('refused');
    expect(refused).toMatchObject({ clientId: 'one-too-many', code: 'rate-limited' });
    expect(refused.retryAfterMs).toBeGreaterThan(0);
    expect((await (await bench.visitor()).say('somebody else')).seq).toBe(1);
    await restarted();
  });

  it('takes so many connections of one address, and lets one in again when another has left', async () => {
    await restarted({}, { messagesPerMinute: 100, connectionsPerAddress: 2 });
    const [first] = [await bench.visitor(), await bench.visitor()];
    await expect(bench.connect()).rejects.toThrow('429');
    first.ws.terminate();
    while (bench.server.size > 1) await new Promise((resolve) => setTimeout(resolve, 5));
    await bench.visitor();
    await restarted();
  });

  it('cuts off who does not read, and lets them resume without loss', async () => {
    const writer = await bench.visitor();
    const { id } = await writer.say('start');
    const slow = await again(writer);
    slow.ws.pause();
    const text = 'x'.repeat(95_000);
    for (let i = 0; i < 60 && bench.server.size > 1; i += 1) {
      await bench.answer(id, `${i} ${text}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(bench.server.size).toBe(1);
    const last = writer.messages().at(-1)!.seq;
    const back = await again(writer);
    const seqs = back.messages().map(({ seq }) => seq);
    expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, i) => i + 1));
    expect(seqs.length).toBeGreaterThanOrEqual(last);
    expect((await back.say('and goes on')).seq).toBe(seqs.length + 1);
  }, 30_000);

  it('hangs up on floods', async () => {
    const visitor = await bench.visitor();
    for (let i = 0; i < 400; i += 1) visitor.send({ type: 'ping' });
    expect([(await visitor.next('error')).code, (await visitor.gone()).code]).toEqual(['rate-limited', 4400]);
  });

  it('lets go of who does not answer the heartbeat', async () => {
    await restarted({ heartbeatMs: 30 });
    const dead = new WebSocket(`ws://127.0.0.1:${bench.port}/chat`, {
      origin: 'https://shop.example',
      autoPong: false,
    });
    await new Promise((resolve) => dead.once('open', resolve));
    const alive = await bench.visitor();
    await new Promise((resolve) => dead.once('close', resolve));
    expect(alive.closed).toBeNull();
    await restarted();
  });

  it('outlives handshakes that are none', async () => {
    for (const bytes of [
      'GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      'GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 99\r\n\r\n',
    ]) {
      const socket = connect(bench.port, '127.0.0.1', () => socket.write(bytes));
      const answer = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))));
      expect(answer).toMatch(/^HTTP\/1\.1 4/);
      socket.destroy();
    }
    const reset = connect(bench.port, '127.0.0.1', () => {
      reset.write(
        'GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n',
      );
      reset.resetAndDestroy();
    });
    expect((await (await bench.visitor()).say('alive')).seq).toBe(1);
  });
});
