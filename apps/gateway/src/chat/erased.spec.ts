import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eraseContact } from '#conversations';
import { describeOnEveryDatabase } from '#database/testing';
import { SignJWT } from 'jose';
import { ChatBench, SECRET } from './testing/chat-bench.js';

describeOnEveryDatabase('a chat of somebody who was erased', (open) => {
  let bench: ChatBench;
  beforeAll(async () => void (bench = await ChatBench.open(open)));
  afterAll(() => bench.stop());

  const contactOf = async (messageId: string): Promise<string> => {
    const [row] = await bench.db.query<{ id: string }>(
      'select c.contact_id as id from message m join conversation c on c.id = m.conversation_id where m.id = $1',
      [messageId],
    );
    return row!.id;
  };
  const erase = async (contactId: string): Promise<void> => {
    const erased = await bench.db.transaction((sql) => eraseContact(sql, contactId, { by: 'k' }));
    for (const id of erased!.threadIds) bench.db.hint('thread', id);
  };
  const token = (sub: string) =>
    new SignJWT({ email: `${sub}@mail.example` })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(sub)
      .setExpirationTime('1h')
      .sign(new TextEncoder().encode(SECRET));
  const contacts = async () => (await bench.db.query<{ n: number }>('select count(*)::int as n from contact'))[0]!.n;
  const nextSecond = () => new Promise((resolve) => setTimeout(resolve, 1_100));

  it('is over: the browser is somebody new, and its repeats bring nothing back', async () => {
    const browser = await bench.visitor();
    const said = await browser.say('hello', 'client-once-id');
    const before = await contactOf(said.id);
    await erase(before);
    browser.send({ type: 'message', clientId: 'client-once-id', parts: [{ type: 'text', text: 'hello' }] });
    await browser.gone();
    expect(await contacts()).toBe(0);

    const back = await bench.visitor({ session: browser.welcome.session, after: 1 });
    expect([back.welcome.fresh, back.welcome.threadId, back.messages()]).toEqual([true, null, []]);
    expect(back.welcome.session).not.toBe(browser.welcome.session);
    const again = await back.say('hello', 'client-once-id');
    expect(await contactOf(again.id)).not.toBe(before);
  });

  it('restarts a browser that only looks on', async () => {
    const browser = await bench.visitor();
    const said = await browser.say('hello');
    await erase(await contactOf(said.id));
    await browser.gone();
    const back = await bench.visitor({ session: browser.welcome.session });
    expect(back.welcome.fresh).toBe(true);
  });

  it('ends sessions of somebody identified from before, and lets them identify anew', async () => {
    const browser = await bench.visitor();
    browser.send({ type: 'identify', token: await token('c-4711') });
    const identified = await browser.next('welcome');
    expect(identified.user?.id).toBe('c-4711');
    const said = await browser.say('it is me');
    await nextSecond();
    await erase(await contactOf(said.id));
    browser.send({ type: 'message', clientId: 'client-late-id', parts: [{ type: 'text', text: 'still me' }] });
    await browser.gone();

    const back = await bench.visitor({ session: identified.session });
    expect([back.welcome.fresh, back.welcome.user]).toEqual([true, null]);
    await nextSecond();
    back.send({ type: 'identify', token: await token('c-4711') });
    const anew = await back.next('welcome');
    expect(anew.user?.id).toBe('c-4711');
    await back.say('new words');
    const held = await bench.visitor({ session: anew.session });
    expect([held.welcome.fresh, held.messages().map(({ text }) => text)]).toEqual([false, ['new words']]);
  });
});
