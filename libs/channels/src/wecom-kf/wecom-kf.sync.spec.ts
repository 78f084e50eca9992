import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseInbound, type InboundEventInput } from '#normalizer';
import { guardedHttp, type GuardedHttp } from '#transport';
import { fakeContext, FakeWecomKf } from '../wechat/testing/index.js';
import type { Context } from './wecom-kf.api.js';
import { wecomKfConfig } from './wecom-kf.config.js';
import { poll } from './wecom-kf.sync.js';

const account = { corpId: 'ww1a2b3c4d5e6f7890', secret: 'the-secret-of-the-app', openKfId: 'wkAAAA' };
const SYNC = '/cgi-bin/kf/sync_msg';
const ON_EVENT = '/cgi-bin/kf/send_msg_on_event';

let fake: FakeWecomKf;
let http: GuardedHttp;
let shared: Map<string, Promise<string>>;
const start = async (page?: number) => {
  await fake?.close();
  fake = await FakeWecomKf.start({ ...account, ...(page && { page }) });
};
beforeEach(async () => {
  [http, shared] = [guardedHttp({ allow: ['127.0.0.1/32'] }), new Map()];
  await start();
});
afterEach(() => Promise.all([fake.close(), http.close()]));

const context = (more: object = {}): Context => ({
  ...fakeContext(
    wecomKfConfig.parse({ ...account, token: 'QDG6eK', encodingAESKey: 'a'.repeat(43), apiBase: fake.url, ...more }),
    { http, shared },
  ),
  now: Date.now,
});
const text = (content: string) => ({ msgtype: 'text', text: { content } });
const asked = () => fake.calls(SYNC).map(({ body }) => JSON.parse(body.toString()) as Record<string, unknown>);
const keysOf = (events: readonly InboundEventInput[]) =>
  events.map((event) => (event as { dedupeKey: string }).dedupeKey);

/** Polls until there is no more, from a cursor. */
async function drain(cursor: string | null, ctx = context()) {
  const events: InboundEventInput[] = [];
  for (let more = true; more;) {
    const page = await poll(cursor, ctx);
    events.push(...page.events);
    ({ cursor, more } = page);
  }
  return { events, cursor };
}

describe('a cursor', () => {
  it('goes through all pages, and on from where it ended', async () => {
    await start(2);
    for (let i = 0; i < 5; i += 1) fake.wrote('wm1', text(`${i}`));
    const first = await drain(null);
    expect(keysOf(first.events)).toEqual(fake.items.map(({ msgid }) => `message:${msgid}`));
    expect(asked().map(({ cursor }) => cursor)).toEqual([undefined, 'CURSOR_2', 'CURSOR_4']);
    expect(asked()[0]).toEqual({ limit: 1_000, voice_format: 0, open_kfid: 'wkAAAA' });
    const added = fake.wrote('wm1', text('later'));
    expect(keysOf((await drain(first.cursor)).events)).toEqual([`message:${added}`]);
  });

  it('begins 3 days ago, and anew for another customer service account', async () => {
    fake.wrote('wm1', text('forgotten'), 3 * 86_400 + 60);
    const kept = fake.wrote('wm1', text('kept'), 3 * 86_400 - 60);
    const { events, cursor } = await drain(null);
    expect(keysOf(events)).toEqual([`message:${kept}`]);
    expect(cursor).toBe('wkAAAA:CURSOR_2');
    await drain('wkOTHER:CURSOR_2');
    expect(asked().at(-1)).not.toHaveProperty('cursor');
  });

  it('goes on behind an empty page, and does not ask for ever where it stands still', async () => {
    const empty = (next: string) => ({ body: { errcode: 0, next_cursor: next, has_more: 1, msg_list: [] } });
    fake.next(SYNC, empty('B'));
    expect(await poll('wkAAAA:A', context())).toEqual({ events: [], cursor: 'wkAAAA:B', more: true });
    fake.next(SYNC, empty('B'));
    expect(await poll('wkAAAA:B', context())).toMatchObject({ cursor: 'wkAAAA:B', more: false });
    fake.next(SYNC, { body: { errcode: 0, errmsg: 'ok' } });
    expect(await poll('wkAAAA:B', context())).toEqual({ events: [], cursor: 'wkAAAA:B', more: false });
  });

  it('stays where an answer is none', async () => {
    for (const answer of [{ body: '<html>' }, { body: { errcode: -1 } }, { body: { errcode: 0, msg_list: {} } }]) {
      fake.next(SYNC, answer);
      await expect(poll('wkAAAA:A', context())).rejects.toMatchObject({ code: 'unavailable' });
    }
  });

  it('stays where the app may not fetch, which is a fault of the settings', async () => {
    fake.next(SYNC, { body: { errcode: 48002, errmsg: 'api forbidden' } });
    const failure = {
      code: 'config-invalid',
      providerCode: '48002',
      message: expect.stringContaining('可调用接口的应用'),
    };
    await expect(poll('wkAAAA:A', context())).rejects.toMatchObject(failure);
  });

  it('that WeCom takes no more, after a long outage say, begins anew', async () => {
    const kept = fake.wrote('wm1', text('kept'));
    const refused = { body: { errcode: 40058, errmsg: 'invalid cursor' } };
    fake.next(SYNC, refused);
    const page = await poll('wkAAAA:OLD', context());
    expect([keysOf(page.events), page.cursor]).toEqual([[`message:${kept}`], 'wkAAAA:CURSOR_1']);
    [refused, refused].forEach((answer) => fake.next(SYNC, answer));
    await expect(poll('wkAAAA:OLD', context())).rejects.toMatchObject({ code: 'config-invalid' });
    expect(asked().map(({ cursor }) => cursor)).toEqual(['OLD', undefined, 'OLD', undefined]);
  });

  it('survives an access token that ends in the middle', async () => {
    await start(1);
    fake.wrote('wm1', text('one'));
    fake.wrote('wm1', text('two'));
    const ctx = context();
    const { cursor } = await poll(null, ctx);
    fake.expireToken();
    expect((await poll(cursor, ctx)).events).toMatchObject([{ parts: [{ text: 'two' }] }]);
    expect(fake.tokens).toBe(2);
  });
});

describe('the token of a callback', () => {
  const MINUTES = 60_000;

  it.each([
    ['goes along while it lasts', 0, true],
    ['goes along after 8 minutes', 8 * MINUTES, true],
    ['is left out once it is old', 9 * MINUTES, false],
  ])('%s', async (_what, age, there) => {
    const said = fake.ring();
    await poll(null, context(), { said, at: Date.now() - age });
    expect(asked()).toEqual([expect.objectContaining(there ? { token: said } : { limit: 1_000 })]);
    expect('token' in asked()[0]!).toBe(there);
  });

  it('is done without where WeCom refuses it', async () => {
    const id = fake.wrote('wm1', text('hi'));
    const page = await poll(null, context(), { said: 'STALE', at: Date.now() });
    expect(keysOf(page.events)).toEqual([`message:${id}`]);
    expect(asked().map(({ token }) => token)).toEqual(['STALE', undefined]);
  });
});

describe('messages', () => {
  it('of the same text are two', async () => {
    fake.wrote('wm1', text('ok'));
    fake.wrote('wm1', text('ok'));
    const { events } = await drain(null);
    expect(new Set(keysOf(events)).size).toBe(2);
  });

  it('are told apart by what they say where WeCom gives no id', async () => {
    const event = (more: object) => ({ origin: 4, msgtype: 'event', send_time: 1, event: { event_type: 'session_status_change', external_userid: 'wm1', ...more } }); // prettier-ignore
    const list = [event({ change_type: 1 }), event({ change_type: 2 }), event({ change_type: 1, msg_code: 'c' })];
    fake.next(SYNC, { body: { errcode: 0, next_cursor: 'N', has_more: 0, msg_list: [...list, list[0]] } });
    const keys = keysOf((await poll(null, context())).events);
    expect(new Set(keys).size).toBe(3);
    expect(keys[3]).toBe(keys[0]);
  });

  it('that cannot be read hold up none: they come without a sender, and are set aside', async () => {
    const deep = JSON.parse(`${'{"a":'.repeat(20)}1${'}'.repeat(20)}`) as object;
    const good = { msgid: 'GOOD', external_userid: 'wm1', origin: 3, ...text('hi') };
    const list = [null, 7, 'x', [], {}, deep, { msgtype: 'text' }, good];
    fake.next(SYNC, { body: { errcode: 0, next_cursor: 'N', has_more: 0, msg_list: list } });
    const { events, cursor } = await poll(null, context());
    expect(cursor).toBe('wkAAAA:N');
    expect(events).toHaveLength(list.length);
    for (const event of events.slice(0, -1)) expect(() => parseInbound(event)).toThrow();
    expect(new Set(keysOf(events)).size).toBe(list.length);
    expect(JSON.stringify(events[5])).toContain(JSON.stringify(JSON.stringify(deep)).slice(1, -1));
    expect(parseInbound(events.at(-1)!)).toMatchObject({ dedupeKey: 'message:GOOD' });
  });
});

describe('greetings', () => {
  const welcome = { text: '您好', options: ['订单', '人工'] };
  const enter = (more: object = {}) => {
    fake.codes.add('WELCOME');
    return fake.happened({ event_type: 'enter_session', external_userid: 'wm1', welcome_code: 'WELCOME', ...more });
  };

  it('are said at once, and told as a message of ours', async () => {
    enter({ scene: 'shop' });
    const { events } = await poll(null, context({ welcome }));
    const [said] = fake.sent;
    expect(said).toMatchObject({
      code: 'WELCOME',
      msgid: expect.stringMatching(/^[0-9a-zA-Z_-]{32}$/),
      msgtype: 'msgmenu',
      msgmenu: {
        head_content: '您好',
        list: [
          { type: 'click', click: { id: '订单', content: '订单' } },
          { type: 'click', click: { id: '人工', content: '人工' } },
        ],
      },
    });
    expect(events).toMatchObject([
      { automated: true, metadata: { scene: 'shop' } },
      {
        dedupeKey: `message:${said?.msgid}`,
        from: 'agent',
        automated: true,
        parts: [{ type: 'choices', text: '您好' }],
        externalIds: [said?.msgid],
      },
    ]);
    events.forEach((event) => expect(() => parseInbound(event)).not.toThrow());
  });

  it('are said once and told each time, whoever reads the event again', async () => {
    enter();
    const first = await poll(null, context({ welcome }));
    const again = await poll(null, context({ welcome }));
    expect(fake.sent).toHaveLength(1);
    expect(keysOf(again.events)).toEqual(keysOf(first.events));
  });

  it.each([
    ['at once', 0],
    ['days later', 86_400_000],
  ])(
    'are told where the process that said them did not live to tell, when the event is read again %s',
    async (_when, later) => {
      enter();
      const ctx = context({ welcome });
      const killed: Context['remember'] = async (key, value, ttlMs) => {
        if (fake.sent.length > 0) throw new Error('killed');
        await ctx.remember(key, value, ttlMs);
      };
      await expect(poll(null, { ...ctx, remember: killed })).rejects.toThrow('killed');
      const again = { ...ctx, now: () => Date.now() + later };
      for (const page of [await poll(null, again), await poll(null, again)]) expect(page.events).toHaveLength(2);
      expect(fake.sent).toHaveLength(1);
    },
  );

  it('are not told where their code ran out by the clock of WeCom', async () => {
    enter();
    fake.codes.clear();
    expect((await poll(null, context({ welcome }))).events).toHaveLength(1);
  });

  it.each([
    ['was lost', 'reset', 1],
    ['cannot be read', { body: '<html>' }, 1],
    ['was lost, and the greeting was said', 'said', 0],
  ] as const)('are asked for again where the answer %s', async (_what, answer, said) => {
    enter();
    fake.next(ON_EVENT, answer === 'said' ? 'reset' : answer);
    if (answer === 'said') fake.codes.clear();
    expect((await poll(null, context({ welcome }))).events).toHaveLength(2);
    expect(fake.sent).toHaveLength(said);
    expect(fake.calls(ON_EVENT)).toHaveLength(2);
  });

  it('count as said where an answer was lost and then none comes', async () => {
    enter();
    fake.next(ON_EVENT, 'reset');
    fake.next(ON_EVENT, { status: 503, body: '' });
    expect((await poll(null, context({ welcome }))).events).toHaveLength(2);
  });

  it('that WeCom refuses are not told', async () => {
    enter();
    fake.next(ON_EVENT, { body: { errcode: 95017, errmsg: 'off' } });
    expect((await poll(null, context({ welcome }))).events).toHaveLength(1);
  });

  it('end a session that an agent in WeCom had, and no other', async () => {
    const farewell = { text: '满意吗？' };
    for (const change_type of [1, 3]) {
      fake.codes.add(`CODE${change_type}`);
      fake.happened({ event_type: 'session_status_change', external_userid: 'wm1', change_type, msg_code: `CODE${change_type}` });
    } // prettier-ignore
    const { events } = await poll(null, context({ farewell }));
    expect(fake.sent).toMatchObject([{ code: 'CODE3', msgtype: 'text', text: { content: '满意吗？' } }]);
    expect(events).toHaveLength(3);
  });

  it.each<[string, object, () => void]>([
    ['where there are none', {}, () => enter()],
    ['without a code', { welcome }, () => enter({ welcome_code: undefined })],
    ['to who came long ago', { welcome }, () => fake.push({ origin: 4, msgtype: 'event', event: { event_type: 'enter_session', external_userid: 'wm1', welcome_code: 'W' } }, 25)],
  ])('are not said %s', async (_what, settings, happen) => {
    happen();
    expect((await poll(null, context(settings))).events).toHaveLength(1);
    expect(fake.calls(ON_EVENT)).toEqual([]);
  }); // prettier-ignore
});
