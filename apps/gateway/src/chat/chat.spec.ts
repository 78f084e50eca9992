import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { describeOnEveryDatabase } from '#database/testing';
import fc from 'fast-check';
import { ChatBench, SHOP, type Browser } from './testing/chat-bench.js';

describeOnEveryDatabase('the chat socket', (open) => {
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

  it('greets a new visitor, and stores what they write before it is accepted', async () => {
    const visitor = await bench.visitor();
    expect(visitor.welcome).toMatchObject({ threadId: null, fresh: true, user: null, last: 0, unread: 0, readUpTo: 0 });
    const accepted = await visitor.say('报表导不出来 👋');
    expect(accepted.seq).toBe(1);
    const [event] = await bench.db.query<{ type: string; data: { message: { text: string }; contact: { handles: object[] } } }>(
      `select type, data from event where data->'message'->>'id' = $1`, [accepted.id]); // prettier-ignore
    expect(event).toMatchObject({ type: 'message.received', data: { message: { text: '报表导不出来 👋' } } });
    expect(event!.data.contact.handles).toEqual([
      { scheme: 'visitor', scope: 'web', value: expect.stringMatching(/^vis_/), proof: 'channel' },
    ]);
    expect(visitor.messages()).toEqual([
      {
        type: 'message',
        seq: 1,
        id: accepted.id,
        clientId: accepted.clientId,
        from: 'me',
        name: null,
        parts: [{ type: 'text', text: '报表导不出来 👋' }],
        text: '报表导不出来 👋',
        at: accepted.at,
        status: 'sent',
      },
    ]);
  });

  it('shows answers in all of the visitor\u2019s tabs, with who wrote them, and marks as read what was answered', async () => {
    const first = await bench.visitor();
    const { id } = await first.say('question');
    const second = await again(first);
    await bench.answer(id, 'answer');
    for (const tab of [first, second]) {
      expect(await tab.next('message').then((m) => (m.seq === 2 ? m : tab.next('message')))).toMatchObject({
        seq: 2,
        from: 'agent',
        name: 'Ann',
        text: 'answer',
        status: 'sent',
      });
      expect(await tab.until((f) => f.type === 'status')).toEqual({ type: 'status', id, seq: 1, status: 'read' });
    }
    const third = await again(first);
    expect(third.messages().map(({ status }) => status)).toEqual(['read', 'sent']);
    expect(third.welcome).toMatchObject({
      fresh: false,
      last: 2,
      unread: 1,
      threadId: first.frames.find((f) => f.type === 'welcome') ? third.welcome.threadId : '',
    });
  });

  it('tells the helpdesk what was delivered and read, and the other tabs too', async () => {
    const first = await bench.visitor();
    const second = await again(first);
    const { id } = await first.say('question');
    const answer = await bench.answer(id, 'answer');
    await first.until((f) => f.type === 'message' && f.seq === 2);
    await second.until((f) => f.type === 'message' && f.seq === 2);
    first.send({ type: 'ack', delivered: 999_999, read: 1 });
    first.send({ type: 'ack', delivered: 2, read: 2 });
    expect(await second.until((f) => f.type === 'status' && f.seq === 2)).toEqual({
      type: 'status',
      id: answer.id,
      seq: 2,
      status: 'read',
    });
    const events = await bench.db.query<{ type: string }>(
      `select type from event where data->'message'->>'id' = $1 order by sequence`,
      [answer.id],
    );
    expect(events.map(({ type }) => type)).toEqual([
      'message.queued',
      'message.sent',
      'message.delivered',
      'message.read',
    ]);
    expect((await again(first)).welcome).toMatchObject({ unread: 0, readUpTo: 2 });
  });

  it('is one message however often the same clientId comes, on two sockets at once as well', async () => {
    const first = await bench.visitor();
    const second = await again(first);
    const clientId = randomUUID();
    const frame = { type: 'message', clientId, parts: [{ type: 'text', text: 'once' }] };
    for (let i = 0; i < 5; i += 1) [first, second].forEach((tab) => tab.send(frame));
    const all = (tab: Browser) => tab.frames.filter((f) => f.type === 'accepted');
    while (all(first).length < 5 || all(second).length < 5) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(new Set([...all(first), ...all(second)].map((f) => JSON.stringify({ ...f, at: '' }))).size).toBe(1);
    expect(texts(await again(first))).toEqual(['1:once']);
    const other = await bench.visitor();
    other.send(frame);
    expect((await other.next('accepted')).id).not.toBe(all(first)[0]!.id);
  });

  it('resumes exactly what was missed, from wherever a browser left off', async () => {
    const writer = await bench.visitor();
    let id = '';
    for (let i = 1; i <= 12; i += 1) {
      ({ id } = await writer.say(`m${i}`));
      if (i % 3 === 0) await bench.answer(id, `a${i}`);
    }
    const everything = texts(await again(writer));
    expect(everything).toHaveLength(16);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 17 }), { minLength: 1, maxLength: 4 }), async (cuts) => {
        for (const after of cuts) {
          const back = await again(writer, after);
          expect(texts(back)).toEqual(everything.slice(after));
          back.ws.terminate();
        }
      }),
      { numRuns: 12 },
    );
  });

  it('loses and doubles nothing while messages arrive and connections break at any moment', async () => {
    const writer = await bench.visitor();
    const { id } = await writer.say('start');
    const held = new Map<number, string>([[1, 'start']]);
    let cursor = 1;
    let done = false;
    const reader = (async () => {
      for (let turn = 0; !done || cursor < 31; turn += 1) {
        const tab = await again(writer, cursor);
        await new Promise((resolve) => setTimeout(resolve, (turn % 5) * 4));
        tab.ws.terminate();
        for (const { seq, text } of tab.messages()) {
          expect([seq, held.has(seq)]).toEqual([cursor + 1, false]);
          held.set((cursor = seq), text);
        }
      }
    })();
    for (let i = 0; i < 30; i += 1) await bench.answer(id, `a${i}`);
    done = true;
    await reader;
    expect([...held.values()]).toEqual(['start', ...Array.from({ length: 30 }, (_, i) => `a${i}`)]);
  });

  it('comes by what no hint told', async () => {
    const visitor = await bench.visitor();
    const { id } = await visitor.say('question');
    const [row] = await bench.db.query<{ conversation_id: string }>(
      'select conversation_id from message where id = $1',
      [id],
    );
    await bench.db.transaction((sql) => bench.replies.reply(sql, row!.conversation_id, { text: 'unannounced' }));
    expect(await visitor.until((f) => f.type === 'message' && f.seq === 2)).toMatchObject({ text: 'unannounced' });
  });

  it('shows a visitor nothing but their own thread', async () => {
    const alice = await bench.visitor();
    const mallory = await bench.visitor();
    const { id } = await alice.say('private');
    await bench.answer(id, 'also private');
    await mallory.say('mine');
    expect(texts(await again(mallory))).toEqual(['1:mine']);
    const elsewhere = await bench.visitor({ account: 'web2', session: alice.welcome.session });
    expect([elsewhere.welcome.fresh, elsewhere.welcome.threadId, texts(elsewhere)]).toEqual([true, null, []]);
  });

  it('passes typing on, both ways', async () => {
    const visitor = await bench.visitor();
    const { id } = await visitor.say('hi');
    visitor.send({ type: 'typing', on: true });
    visitor.send({ type: 'typing', on: true });
    const [row] = await bench.db.query<{ thread_id: string }>('select thread_id from message where id = $1', [id]);
    bench.db.hint('typing', JSON.stringify({ threadId: row!.thread_id, on: true, name: 'Ann' }));
    expect(await visitor.next('typing')).toEqual({ type: 'typing', on: true, name: 'Ann' });
    visitor.ws.close();
    while (bench.typed.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(bench.typed.splice(0).map((line) => line.replace(/vis_\w+/, 'V'))).toEqual(['web V true', 'web V false']);
  });

  it('survives a restart: everybody is sent away to come back, and finds everything', async () => {
    const visitor = await bench.visitor();
    await visitor.say('before');
    await bench.stop();
    expect(await visitor.gone()).toMatchObject({ code: 1012 });
    await bench.start();
    const back = await again(visitor);
    expect([back.welcome.fresh, texts(back)]).toEqual([false, ['1:before']]);
    expect(back.welcome.reconnect.maxMs).toBeGreaterThan(back.welcome.reconnect.minMs);
  });

  it('stores 10,000 combining marks, NUL and lone surrogates by the rule for hostile text', async () => {
    const visitor = await bench.visitor();
    const marks = `a${'\u0301'.repeat(9_000)}`;
    await visitor.say(marks);
    visitor.ws.send(
      `{"type":"message","clientId":"hostile-text-1","parts":[{"type":"text","text":"a\\u0000b\\ud800c\\u202Ed"}]}`,
    );
    await visitor.next('accepted');
    await visitor.until((f) => f.type === 'accepted' && f.clientId === 'hostile-text-1');
    expect((await again(visitor)).messages().map(({ text }) => text)).toEqual([marks, 'a\uFFFDb\uFFFDc\u202Ed']);
  });

  it('takes answers to choices only where they were offered, and in the words that were offered', async () => {
    const visitor = await bench.visitor();
    const { id } = await visitor.say('help');
    const [row] = await bench.db.query<{ conversation_id: string }>(
      'select conversation_id from message where id = $1',
      [id],
    );
    const choices = {
      type: 'choices' as const,
      text: 'Which?',
      options: [
        { id: 'a', label: 'Apples' },
        { id: 'b', label: 'Pears' },
      ],
    };
    const asked = await bench.db.transaction((sql) =>
      bench.replies.reply(sql, row!.conversation_id, { parts: [choices] }),
    );
    const choose = (clientId: string, part: object) =>
      visitor.send({ type: 'message', clientId, parts: [{ type: 'choice', ...part }] });
    choose('choose-right', { optionId: 'b', label: 'forged label', messageId: asked.id });
    await visitor.until((f) => f.type === 'accepted' && f.clientId === 'choose-right');
    choose('choose-wrong', { optionId: 'c', label: 'Plums', messageId: asked.id });
    choose('choose-other', { optionId: 'a', label: 'Apples', messageId: id });
    for (const clientId of ['choose-wrong', 'choose-other']) {
      expect(await visitor.until((f) => f.type === 'refused' && f.clientId === clientId)).toMatchObject({
        code: 'content-refused',
      });
    }
    const last = (await again(visitor)).messages();
    expect(last.at(-1)!.parts).toEqual([{ type: 'choice', optionId: 'b', label: 'Pears', messageId: asked.id }]);
  });

  it('shows what markdown says, and none of its marks', async () => {
    const visitor = await bench.visitor();
    const { id } = await visitor.say('question');
    const [row] = await bench.db.query<{ conversation_id: string }>('select conversation_id from message where id = $1', [id]); // prettier-ignore
    const text = '**Yes** <b>raw</b> [here](https://a.example)';
    await bench.db.transaction((sql) =>
      bench.replies.reply(sql, row!.conversation_id, { parts: [{ type: 'text', text, format: 'markdown' }] }),
    );
    const plain = 'Yes <b>raw</b> here (https://a.example)';
    expect((await again(visitor)).messages().at(-1)).toMatchObject({
      text: plain,
      parts: [{ type: 'text', text: plain }],
    });
    expect((await again(visitor)).messages().at(-1)!.parts[0]).not.toHaveProperty('format');
  });

  it('lets in pages of the listed origins and of its own, and nobody else', async () => {
    for (const origin of [
      SHOP,
      'https://a.corner.example',
      'https://a.b.corner.example',
      'https://gateway.example',
      `http://127.0.0.1:${bench.port}`,
    ]) {
      const page = await bench.connect(origin);
      page.send({ type: 'hello', account: 'web' });
      expect([origin, (await page.next('welcome')).type]).toEqual([origin, 'welcome']);
    }
    for (const origin of [
      'https://evil.example',
      'http://shop.example',
      'https://shop.example.evil.example',
      'https://corner.example',
      'https://evilcorner.example',
      'https://shop.example:8443',
      'null',
      null,
    ]) {
      const page = await bench.connect(origin);
      page.send({ type: 'hello', account: 'web' });
      expect([origin, (await page.next('error')).code, (await page.gone()).code]).toEqual([
        origin,
        'origin-refused',
        4403,
      ]);
    }
  });

  it('sends away whose session has run out', async () => {
    const visitor = await bench.visitor();
    const clock = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 181 * 86_400_000);
    try {
      bench.server.review();
      expect((await visitor.gone()).code).toBe(1012);
    } finally {
      clock.mockRestore();
    }
  });

  it('sends away whom a change of the account does not bear any more', async () => {
    const visitor = await bench.visitor({ account: 'web2' });
    bench.account('web2', { origins: [] });
    bench.server.review();
    expect([(await visitor.next('error')).code, (await visitor.gone()).code]).toEqual(['origin-refused', 4403]);
    bench.accounts.delete('web2');
    const page = await bench.connect();
    page.send({ type: 'hello', account: 'web2' });
    expect([(await page.next('error')).code, (await page.gone()).code]).toEqual(['account-unknown', 4403]);
    bench.account('web2', { origins: [SHOP] });
  });
});
