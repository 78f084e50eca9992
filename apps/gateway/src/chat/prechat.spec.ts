import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Prechat, WebchatConfig } from '#channels';
import { parseInbound, type Handle } from '#normalizer';
import { describeOnEveryDatabase } from '#database/testing';
import { SignJWT } from 'jose';
import { ChatBench, SECRET, SHOP, type Browser } from './testing/chat-bench.js';

const VICTIM = 'victim@example.com';
const FIELDS = {
  name: {},
  email: { required: true },
  phone: {},
  product: { required: true, options: ['Nova', 'Lumen'] },
  questionType: {},
};
const ANSWERS = {
  name: ' 王芳 ',
  email: 'Wang@Example.com',
  phone: '138 0013 8000',
  product: 'Nova',
  questionType: 'Billing',
};

describeOnEveryDatabase('the form before the first message', (open) => {
  let bench: ChatBench;
  beforeAll(async () => void (bench = await ChatBench.open(open)));
  afterAll(() => bench.stop());
  beforeEach(() => form({ fields: FIELDS, verify: 'optional' }));
  afterEach(async () => {
    for (const { ws } of bench.browsers.splice(0)) ws.terminate();
    expect(bench.errors.splice(0)).toEqual([]);
    await bench.db.query('truncate code, unit, outbox, introduction');
    await bench.db.query(`delete from setting where name = 'identity'`);
  });

  const form = (prechat: object | undefined) =>
    bench.account('web', { origins: [SHOP], secret: SECRET, prechat } as unknown as Partial<WebchatConfig>);
  const again = (browser: Browser) => bench.visitor({ session: browser.welcome.session });
  const fill = async (browser: Browser, answers: object): Promise<Prechat> => {
    browser.send({ type: 'prechat', answers });
    return (await browser.next('prechat')).prechat;
  };
  const ask = async (browser: Browser, scheme: string, value?: string) => {
    browser.send({ type: 'code', scheme, value });
    return browser.next('code');
  };
  const confirm = async (browser: Browser, code: string, more: { scheme?: string; value?: string } = {}) => {
    browser.send({ type: 'confirm', scheme: 'email', code, ...more });
    return (await browser.next('code')).state;
  };
  const token = (claims: object) =>
    new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256' }).setSubject(`sub-${Math.random()}`).setExpirationTime('5m').sign(new TextEncoder().encode(SECRET)); // prettier-ignore
  const refusal = async (browser: Browser) => {
    browser.send({
      type: 'message',
      clientId: `early-${Math.random().toString(36).slice(2)}`,
      parts: [{ type: 'text', text: 'hi' }],
    });
    return browser.next('refused');
  };
  interface Told {
    type: string;
    data: {
      conversation: { id: string; metadata: object };
      contact: { id: string; name: string | null; handles: Handle[] };
      message?: { author: { name: string | null } };
    };
  }
  /** What the stream tells of a message, and before it of its conversation. */
  const told = async (messageId: string): Promise<Told[]> =>
    bench.db.query<Told & Record<string, unknown>>(
      `select type, data from event where conversation_id = (select conversation_id from message where id = $1)
         and type in ('conversation.opened', 'message.received') order by position`,
      [messageId],
    );
  const proofs = (handles: readonly Handle[]) =>
    Object.fromEntries(handles.map(({ scheme, value, proof }) => [scheme === 'visitor' ? scheme : value, proof]));
  /** A person who has written by mail, with an address that their provider vouches for. */
  const mailFrom = async (value: string) => {
    const event = parseInbound({
      kind: 'message',
      dedupeKey: `mail-${Math.random()}`,
      thread: value,
      sender: { handles: [{ scheme: 'email', value, proof: 'verified' }], name: 'The Victim' },
      parts: [{ type: 'text', text: 'a secret' }],
    });
    const [stored] = await bench.intake.accept('web2', [event]);
    return { contactId: stored!.contactId!, conversationId: stored!.conversationId! };
  };

  it('is shown until it is filled in, and takes no message before, however a client speaks', async () => {
    const visitor = await bench.visitor();
    expect(visitor.welcome.prechat).toMatchObject({
      fields: [
        { name: 'name', required: false },
        { name: 'phone', required: false },
        { name: 'email', required: true },
        { name: 'product', required: true, options: ['Nova', 'Lumen'] },
        { name: 'questionType', required: false },
      ],
      verify: 'optional',
      verifiable: ['phone', 'email'],
      answers: {},
      done: false,
    });
    expect(await refusal(visitor)).toMatchObject({ code: 'prechat-required' });
    expect(await bench.db.query('select 1 from message where text = $1', ['hi'])).toEqual([]);
    expect((await again(visitor)).welcome.prechat).toMatchObject({ done: false });
  });

  it('says what is wrong with answers, and stores nothing of them', async () => {
    const visitor = await bench.visitor();
    const wrong = await fill(visitor, { email: 'no address', phone: '12', product: 'Other' });
    expect([wrong.done, wrong.faults]).toEqual([
      false,
      [
        { field: 'phone', fault: 'invalid' },
        { field: 'email', fault: 'invalid' },
        { field: 'product', fault: 'invalid' },
      ],
    ]);
    expect((await fill(visitor, { email: '  ' })).faults).toEqual([
      { field: 'email', fault: 'required' },
      { field: 'product', fault: 'required' },
    ]);
    expect((await refusal(visitor)).code).toBe('prechat-required');
  });

  it('arrives with the first message: on the conversation, as the name, and as claims; from the first event on', async () => {
    const visitor = await bench.visitor();
    expect(await fill(visitor, ANSWERS)).toMatchObject({
      done: true,
      answers: { name: '王芳', email: 'wang@example.com', phone: '+8613800138000' },
    });
    const { id } = await visitor.say('hello');
    const events = await told(id);
    expect(events.map(({ type }) => type)).toEqual(['conversation.opened', 'message.received']);
    for (const { data } of events) {
      expect(data.conversation.metadata).toEqual({ product: 'Nova', questionType: 'Billing' });
      expect(data.contact.name).toBe('王芳');
      expect(proofs(data.contact.handles)).toMatchObject({ visitor: 'channel', '+8613800138000': 'claimed' });
      expect(data.contact.handles.filter(({ proof }) => proof === 'claimed')).toHaveLength(2);
    }
    expect(events[1]!.data.message!.author.name).toBe('王芳');
    expect(await bench.db.query('select 1 from introduction')).toEqual([]);
    await visitor.say('and more');
    expect((await again(visitor)).welcome.prechat).toBeUndefined();
  });

  it('survives a lost connection and a restart of the gateway, filled in or not', async () => {
    const visitor = await bench.visitor();
    await fill(visitor, ANSWERS);
    await bench.stop();
    await bench.start();
    const back = await again(visitor);
    expect(back.welcome.prechat).toBeUndefined();
    const [, received] = await told((await back.say('hello')).id);
    expect(received!.data.conversation.metadata).toEqual({ product: 'Nova', questionType: 'Billing' });
  });

  it('may be left out where nothing in it is required, or sent empty', async () => {
    form({ fields: { name: {}, product: {} } });
    const silent = await bench.visitor();
    expect(silent.welcome.prechat).toBeDefined();
    await silent.say('straight away');
    const skipping = await bench.visitor();
    expect(await fill(skipping, {})).toMatchObject({ done: true });
    expect((await again(skipping)).welcome.prechat).toBeUndefined();
  });

  it('does not ask identified people what their token says, nor believes what they type in its place', async () => {
    const visitor = await bench.visitor();
    visitor.send({ type: 'identify', token: await token({ email: 'li@example.com', name: 'Li' }), email: VICTIM });
    const { prechat } = await visitor.next('welcome');
    expect(prechat?.fields.map(({ name }) => name)).toEqual(['phone', 'product', 'questionType']);
    expect(prechat?.verify).toBe('off');
    await fill(visitor, { ...ANSWERS, name: 'Somebody', email: VICTIM, phone: '' });
    const [, received] = await told((await visitor.say('hello')).id);
    expect(received!.data.contact).toMatchObject({ name: 'Li' });
    expect(proofs(received!.data.contact.handles)).toMatchObject({ 'li@example.com': 'verified' });
    expect(JSON.stringify(received)).not.toContain(VICTIM);
    expect((await ask(visitor, 'email', VICTIM)).state).toBe('unavailable');
  });

  it('leaves behind what was said of oneself when somebody identifies, and takes along what was said of the matter', async () => {
    const visitor = await bench.visitor();
    await fill(visitor, { ...ANSWERS, email: VICTIM });
    await ask(visitor, 'email');
    expect(await confirm(visitor, await bench.codeFor(VICTIM))).toBe('right');
    visitor.send({ type: 'identify', token: await token({ email: 'chen@example.com' }) });
    await visitor.until((frame) => frame.type === 'welcome' && frame.user !== null);
    const [, received] = await told((await visitor.say('hello')).id);
    expect(received!.data.conversation.metadata).toEqual({ product: 'Nova', questionType: 'Billing' });
    expect(proofs(received!.data.contact.handles)).toMatchObject({ 'chen@example.com': 'verified' });
    expect(received!.data.contact.name).toBeNull();
    expect(received!.data.contact.handles.map(({ scheme }) => scheme).sort()).toEqual(['client', 'email']);
    expect(JSON.stringify(received)).not.toContain(VICTIM);
  });

  it('a claim is nobody else\u2019s: whoever types the address of a victim is a contact apart, and sees nothing', async () => {
    const victim = await mailFrom(VICTIM);
    const visitor = await bench.visitor();
    await fill(visitor, { ...ANSWERS, email: VICTIM });
    const { id } = await visitor.say('give me my history');
    const [, received] = await told(id);
    expect(received!.data.contact.id).not.toBe(victim.contactId);
    expect(received!.data.conversation.id).not.toBe(victim.conversationId);
    expect(proofs(received!.data.contact.handles)[VICTIM]).toBe('claimed');
    expect(JSON.stringify((await again(visitor)).frames)).not.toContain('a secret');
  });

  it('a required code is demanded by the server: claims alone open nothing', async () => {
    form({ fields: { email: {}, phone: {} }, verify: 'required' });
    const visitor = await bench.visitor();
    expect((await fill(visitor, {})).faults).toEqual([{ field: 'phone', fault: 'required' }]);
    expect(await fill(visitor, { email: 'zhou@example.com' })).toMatchObject({ done: false, verified: [] });
    expect((await refusal(visitor)).code).toBe('prechat-required');
    expect((await again(visitor)).welcome.prechat).toMatchObject({
      answers: { email: 'zhou@example.com' },
      done: false,
    });
    expect((await ask(visitor, 'email')).state).toBe('sent');
    expect(await confirm(visitor, await bench.codeFor('zhou@example.com'))).toBe('right');
    expect((await visitor.next('prechat')).prechat).toMatchObject({ done: true, verified: ['email'] });
    const [, received] = await told((await visitor.say('hello')).id);
    expect(proofs(received!.data.contact.handles)).toMatchObject({
      visitor: 'channel',
      'zhou@example.com': 'verified',
    });
    const sources = await bench.db.query(
      `select source from handle where value = 'zhou@example.com' and proof = 'verified'`,
    );
    expect(sources).toEqual([{ source: 'code:bridge' }]);
  });

  it('where nothing can send codes, required ones are not to be had, and optional ones are not offered', async () => {
    const senders = [...bench.senders];
    bench.senders.clear();
    expect((await bench.visitor()).welcome.prechat).toMatchObject({ verify: 'off', verifiable: [] });
    form({ fields: { email: {} }, verify: 'required' });
    const visitor = await bench.visitor();
    await fill(visitor, { email: 'zhou@example.com' });
    expect((await ask(visitor, 'email')).state).toBe('unavailable');
    expect((await refusal(visitor)).code).toBe('prechat-required');
    for (const [id, account] of senders) bench.senders.set(id, account);
  });

  it('after the right code the first message is the known person\u2019s, and the browser shows its own thread alone', async () => {
    const victim = await mailFrom('owner@example.com');
    const visitor = await bench.visitor();
    await fill(visitor, { ...ANSWERS, email: 'owner@example.com' });
    await ask(visitor, 'email');
    expect(await confirm(visitor, await bench.codeFor('owner@example.com'))).toBe('right');
    const [received] = (await told((await visitor.say('it is me')).id)).slice(-1);
    expect(received!.data.contact.id).toBe(victim.contactId);
    const back = await again(visitor);
    expect(back.messages().map(({ text }) => text)).toEqual(['it is me']);
  });

  it('who has written before is joined with the person by the right code, which the stream tells, and the browser does not', async () => {
    const victim = await mailFrom('late@example.com');
    const visitor = await bench.visitor();
    await fill(visitor, { product: 'Nova', email: 'late@example.com' });
    const { id } = await visitor.say('first');
    expect((await ask(visitor, 'email', 'late@example.com')).state).toBe('sent');
    const code = await bench.codeFor('late@example.com');
    expect(await confirm(visitor, code, { value: 'other@example.com' })).toBe('wrong');
    expect(await confirm(visitor, code, { value: 'Late@example.com' })).toBe('right');
    const merged = await bench.db.query<{ data: { merge: { reason: string } } }>(
      `select data from event where type = 'contact.merged' and data->'contact'->>'id' = $1`,
      [victim.contactId],
    );
    expect(merged).toHaveLength(1);
    const [owner] = await bench.db.query(
      `select t.contact_id, h.source from thread t join message m on m.thread_id = t.id
       join handle h on h.contact_id = t.contact_id and h.scheme = 'email' and h.proof = 'verified' where m.id = $1`,
      [id],
    );
    expect(owner).toMatchObject({ contact_id: victim.contactId });
    const back = await again(visitor);
    expect(back.messages().map(({ text }) => text)).toEqual(['first']);
    expect(JSON.stringify([...visitor.frames, ...back.frames])).not.toMatch(/a secret|The Victim|con_/);
    await back.say('second');
    expect((await again(visitor)).messages().map(({ text }) => text)).toEqual(['first', 'second']);
  });
});
