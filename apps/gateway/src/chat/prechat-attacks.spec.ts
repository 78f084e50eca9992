import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { ServerFrame, WebchatConfig } from '#channels';
import { describeOnEveryDatabase } from '#database/testing';
import { ChatBench, SECRET, SHOP, type Browser } from './testing/chat-bench.js';

type CodeFrame = Extract<ServerFrame, { type: 'code' }>;
const VICTIM = 'victim@example.com';

describeOnEveryDatabase('attacks on codes of the form', (open) => {
  let bench: ChatBench;
  beforeAll(async () => {
    bench = await ChatBench.open(open);
    const prechat = { fields: { email: {}, phone: {} }, verify: 'required' };
    bench.account('web', { origins: [SHOP], secret: SECRET, prechat } as unknown as Partial<WebchatConfig>);
  });
  afterAll(() => bench.stop());
  afterEach(async () => {
    for (const { ws } of bench.browsers.splice(0)) ws.terminate();
    expect(bench.errors.splice(0)).toEqual([]);
    await bench.db.query('truncate code, unit, outbox, introduction');
  });

  const fill = async (browser: Browser, answers: object) => {
    browser.send({ type: 'prechat', answers });
    return (await browser.next('prechat')).prechat;
  };
  const ask = async (browser: Browser, value?: string): Promise<CodeFrame> => {
    browser.send({ type: 'code', scheme: 'email', value });
    return browser.next('code');
  };
  const guess = async (browser: Browser, code: string, value?: string): Promise<CodeFrame> => {
    browser.send({ type: 'confirm', scheme: 'email', code, value });
    return browser.next('code');
  };
  const asking = async (email = VICTIM): Promise<Browser> => {
    const browser = await bench.visitor();
    await fill(browser, { email });
    expect(await ask(browser)).toEqual({ type: 'code', scheme: 'email', state: 'sent' });
    return browser;
  };
  const other = (code: string) => (code === '000000' ? '000001' : '000000');
  const sentTo = async (value: string) =>
    (await bench.db.query(`select 1 from unit where content->'thread'->>'externalId' = $1`, [value])).length;

  it('brute force: five guesses from all tabs together, then the right code is as wrong as any', async () => {
    const visitor = await asking();
    const right = await bench.codeFor(VICTIM);
    const tabs = [visitor];
    while (tabs.length < 4) tabs.push(await bench.visitor({ session: visitor.welcome.session }));
    const answers = await Promise.all(tabs.map((tab) => guess(tab, other(right))));
    answers.push(await guess(visitor, other(right)), await guess(visitor, right));
    expect(new Set(answers.map((frame) => JSON.stringify(frame)))).toEqual(
      new Set([JSON.stringify({ type: 'code', scheme: 'email', state: 'wrong' })]),
    );
    expect((await bench.visitor({ session: visitor.welcome.session })).welcome.prechat?.verified).toEqual([]);
  });

  it('a code serves once, and only who asked for it, for the address that it was asked for', async () => {
    const visitor = await asking();
    const code = await bench.codeFor(VICTIM);
    const thief = await bench.visitor();
    await fill(thief, { email: VICTIM });
    expect((await guess(thief, code)).state).toBe('wrong');
    await fill(visitor, { email: 'another@example.com' });
    expect((await guess(visitor, code)).state).toBe('wrong');
    await fill(visitor, { email: VICTIM });
    expect((await guess(visitor, code)).state).toBe('right');
    expect((await visitor.next('prechat')).prechat.done).toBe(true);
    expect((await guess(visitor, code)).state).toBe('wrong');
    expect(await fill(visitor, { email: 'another@example.com' })).toMatchObject({ done: false, verified: [] });
  });

  it('an expired code is wrong; digits of an input method are digits', async () => {
    const visitor = await asking();
    const code = await bench.codeFor(VICTIM);
    await bench.db.query(`update code set expires_at = now() - interval '1 second'`);
    expect((await guess(visitor, code)).state).toBe('wrong');
    await ask(visitor);
    const wide = (await bench.codeFor(VICTIM)).replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit)));
    expect((await guess(visitor, wide)).state).toBe('right');
  });

  it('a flood: one visitor gets a few codes, a victim is sent a few, and those who ask see no difference', async () => {
    const visitor = await asking();
    const states = [];
    for (let i = 0; i < 8; i += 1) states.push((await ask(visitor)).state);
    expect(states).toEqual(['sent', 'sent', 'sent', 'sent', 'wait', 'wait', 'wait', 'wait']);
    for (let i = 0; i < 12; i += 1) await asking();
    expect(await sentTo(VICTIM)).toBe(5);
  });

  it('probing: known, unknown, opted-out and used-up addresses are answered with one frame and the same statements', async () => {
    await bench.db.query(`insert into contact (id) values ('con_v') on conflict do nothing`);
    await bench.db.query(
      `insert into handle (id, contact_id, scheme, value, proof) values ('hdl_v', 'con_v', 'email', 'known@example.com', 'verified')`,
    );
    await bench.db.query(
      `insert into thread (id, account_id, external_id, contact_id, opted_out_at) values ('thr_v', 'bridge', 'gone@example.com', 'con_v', now())`,
    );
    for (let i = 0; i < 5; i += 1) await asking('usedup@example.com');
    const names: string[] = [];
    const query = bench.db.query.bind(bench.db);
    const transaction = bench.db.transaction.bind(bench.db);
    const note = (statement: Parameters<typeof query>[0]) =>
      names.push(typeof statement === 'string' ? statement : statement.name);
    bench.db.query = ((statement, values) => (note(statement), query(statement, values))) as typeof query;
    bench.db.transaction = ((work) =>
      transaction((sql) =>
        work({ query: (statement, values) => (note(statement), sql.query(statement, values)) } as typeof sql),
      )) as typeof transaction;
    const seen = new Set<string>();
    try {
      for (const email of ['known', 'unknown', 'gone', 'usedup'].map((name) => `${name}@example.com`)) {
        const visitor = await bench.visitor();
        await fill(visitor, { email });
        names.splice(0);
        const frames = [await ask(visitor), await guess(visitor, 'abcdef')];
        const own = names.filter((name) => !/^chat_(thread|changed)/.test(name));
        seen.add(JSON.stringify([frames, own]));
      }
    } finally {
      Object.assign(bench.db, { query, transaction });
    }
    expect([...seen]).toHaveLength(1);
    expect([...seen][0]).toContain('lay_notice');
    expect([await sentTo('known@example.com'), await sentTo('unknown@example.com'), await sentTo('gone@example.com'), await sentTo('usedup@example.com')]).toEqual([1, 1, 0, 5]); // prettier-ignore
  });

  it('what is sent holds nothing that a visitor wrote', async () => {
    const visitor = await bench.visitor({ locale: 'zh-CN buy at https://spam.example', page: 'https://spam.example' });
    await fill(visitor, { email: VICTIM, name: 'buy at https://spam.example' });
    await ask(visitor);
    const [unit] = await bench.db.query<{ content: { text: string } }>('select content from unit');
    expect(unit!.content.text).toMatch(/^您的验证码是 \d{6}，10 分钟内有效。若非本人操作，请忽略。$/);
    expect(JSON.stringify(unit)).not.toContain('spam');
  });

  it('codes leave no trace in tables that are read, and none in what browsers get', async () => {
    const visitor = await asking();
    const code = await bench.codeFor(VICTIM);
    await bench.db.query('truncate unit');
    await guess(visitor, code);
    await visitor.next('prechat');
    await visitor.say('hello');
    for (const table of ['code', 'introduction', 'outbox', 'event', 'message', 'handle', 'trace', 'contact']) {
      const rows = await bench.db.query(`select * from ${table}`);
      expect(JSON.stringify(rows).replace(/\d{7,}|[0-9a-f]{32,}/g, '')).not.toContain(code);
    }
    expect(JSON.stringify(visitor.frames.filter(({ type }) => type !== 'welcome'))).not.toContain(`"${code}"`);
  });

  it('a session that stands for a person by now asks and confirms nothing', async () => {
    const visitor = await asking('early@example.com');
    const code = await bench.codeFor('early@example.com');
    await guess(visitor, code);
    await visitor.next('prechat');
    const { id } = await visitor.say('mine');
    await bench.db.query(
      `insert into handle (id, contact_id, scheme, scope, value, proof)
       select 'hdl_p', t.contact_id, 'client', 'web', 'person', 'verified' from thread t join message m on m.thread_id = t.id where m.id = $1`,
      [id],
    );
    await bench.db.query(
      `update thread set external_id = 'client:person' where id = (select thread_id from message where id = $1)`,
      [id],
    );
    visitor.send({ type: 'code', scheme: 'email', value: VICTIM });
    expect((await visitor.gone()).code).toBe(1_012);
    expect(await sentTo(VICTIM)).toBe(0);
  });
});
