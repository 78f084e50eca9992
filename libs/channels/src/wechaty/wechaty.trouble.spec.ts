import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { types } from 'wechaty-puppet';
import { unitTo, until, type AccountBench } from './testing/bench.js';
import { bench, channel, clear, connect, customer, open, puppets, raw, socket } from './testing/mock-wechat.js';
import type { WechatySession } from './wechaty.session.js';

afterEach(clear);

const never = () => new Promise<never>(() => undefined);
const textsOf = ({ stored }: AccountBench) =>
  stored.map((event) => (event as { parts: readonly { text?: string }[] }).parts[0]!.text);
const failing = (times: number, work: (...args: never[]) => unknown) => {
  let left = times;
  return (...args: never[]) => ((left -= 1) >= 0 ? Promise.reject(new Error('reset')) : work(...args)) as never;
};
const gapOf = ({ standings }: AccountBench) => standings.findLast(({ gap }) => gap)?.gap;
/** The session that is open, which is nobody else's from now on. */
function take(account: AccountBench): WechatySession {
  const [one] = open.splice(open.findIndex((other) => other.account === account), 1); // prettier-ignore
  return one!.session;
}
const killed: WechatySession[] = [];
/** A process that is killed closes nothing. */
const kill = (account: AccountBench) => void killed.push(take(account));
/** Closes the session that is open, as the gateway does. */
const end = (account: AccountBench) => (account.end(), socket.close(take(account)));
afterEach(async () => {
  for (const { bot } of killed.splice(0)) await bot.stop();
});

describe('messages of a slow puppet', () => {
  it('are stored in the order in which it told of them, whoever is looked up longer', async () => {
    const account = bench('a');
    const { mocker, me, puppet } = await connect(account);
    const [alice, bob] = [customer(mocker), customer(mocker, 'wxid_bob', 'Bob')];
    const { contactRawPayload } = puppet;
    puppet.contactRawPayload = async (id: string) => {
      if (id === alice.id) await new Promise((done) => setTimeout(done, 50));
      return contactRawPayload.call(puppet, id);
    };
    for (const text of ['1', '2', '3']) {
      alice.say(`alice ${text}`).to(me);
      bob.say(`bob ${text}`).to(me);
    }
    await until(() => account.stored.length === 6);
    expect(textsOf(account)).toEqual(['alice 1', 'bob 1', 'alice 2', 'bob 2', 'alice 3', 'bob 3']);
  });

  it('that came before anybody was logged in wait for that', async () => {
    const account = bench('a');
    const opening = socket.open(account.emit, account.context());
    await until(() => puppets[0]?.state.active() === true);
    const { mocker } = puppets[0]!;
    const me = mocker.createContact({ id: 'wxid_self', name: 'Li' });
    customer(mocker).say('early').to(me);
    await new Promise((done) => setTimeout(done, 20));
    expect(account.stored).toEqual([]);
    mocker.login(me);
    open.push({ account, session: await opening });
    await until(() => account.stored.length === 1);
  });
});

describe('a puppet that fails for a moment', () => {
  it('loses no message, and nothing of one', async () => {
    const account = bench('a');
    const { mocker, me, puppet } = await connect(account);
    customer(mocker);
    puppet.messageRawPayload = failing(2, puppet.messageRawPayload.bind(puppet));
    raw(mocker, { id: 'm1', talkerId: 'wxid_alice', listenerId: me.id, text: 'one' });
    await until(() => account.stored.length === 1);
    puppet.messageLocation = failing(1, puppet.messageLocation.bind(puppet));
    raw(mocker, { id: 'm2', talkerId: 'wxid_alice', listenerId: me.id, type: types.Message.Location });
    await until(() => account.stored.length === 2);
    const bob = customer(mocker, 'wxid_bob', 'Bob');
    puppet.contactRawPayload = failing(2, puppet.contactRawPayload.bind(puppet));
    bob.say('two').to(me);
    await until(() => account.stored.length === 3);
    expect(account.stored).toMatchObject([
      { sender: { name: 'Alice' }, parts: [{ text: 'one' }] },
      { parts: [{ type: 'location' }] },
      { sender: { name: 'Bob' }, parts: [{ text: 'two' }] },
    ]);
    expect(account.standings.map(({ state }) => state)).toEqual(['connected']);
  });

  it('tells messages without what it cannot tell at all', async () => {
    const account = bench('a', { rooms: true });
    const { mocker, me, puppet } = await connect(account);
    const room = mocker.createRoom({ id: '1@chatroom', topic: 'x', memberIdList: [me.id, 'wxid_alice'] } as never);
    const broken = () => Promise.reject(new Error('reset'));
    puppet.contactRawPayload = broken;
    puppet.roomRawPayload = broken;
    customer(mocker).say('hi').to(room);
    await until(() => account.stored.length === 1);
    expect(account.stored[0]).toMatchObject({
      thread: 'room:1@chatroom',
      sender: { member: { value: 'wxid_alice' } },
      parts: [{ text: 'hi' }],
    });
  });

  it('passes over a message that it cannot read at all, and says so', async () => {
    const account = bench('a');
    const { mocker, me, puppet } = await connect(account);
    puppet.emit('message', { messageId: 'unknown' });
    customer(mocker).say('after').to(me);
    await until(() => account.stored.length === 1);
    expect(account.standings.map(({ state }) => state)).toEqual(['connected', 'degraded', 'connected']);
    expect(gapOf(account)).toEqual({ from: '2026-11-21T09:30:00.000Z', to: '2026-11-21T09:30:00.000Z' });
  });

  it('logs in all the same', async () => {
    const account = bench('a');
    const opening = socket.open(account.emit, account.context());
    await until(() => puppets[0]?.state.active() === true);
    puppets[0]!.contactRawPayload = () => Promise.reject(new Error('reset'));
    puppets[0]!.login('wxid_self');
    open.push({ account, session: await opening });
    expect(account.standings.at(-1)).toMatchObject({ state: 'connected', detail: 'logged in as wxid_self' });
  });
});

describe('a puppet that never answers', () => {
  it('with a login code or a login is said to be silent, and only such a one', async () => {
    const account = bench('a');
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'clearImmediate', 'setInterval', 'clearInterval', 'nextTick', 'queueMicrotask', 'Date', 'performance', 'hrtime'] }); // prettier-ignore
    const opening = socket.open(account.emit, account.context());
    await until(() => puppets[0]?.state.active() === true);
    jest.advanceTimersByTime(59_999);
    expect(account.standings).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(account.standings).toMatchObject([
      { state: 'disconnected', detail: expect.stringContaining('no login code') },
    ]);
    account.end();
    jest.useRealTimers();
    await expect(opening).rejects.toThrow('closed');
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'clearImmediate', 'setInterval', 'clearInterval', 'nextTick', 'queueMicrotask', 'Date', 'performance', 'hrtime'] }); // prettier-ignore
    await connect(account);
    jest.advanceTimersByTime(60_000);
    jest.useRealTimers();
    expect(account.standings.at(-1)).toMatchObject({ state: 'connected' });
  });

  const impatient = (more = {}) => bench('a', { timeoutMs: 1_000, ...more });

  it('about messages is given up, and what came then is named as missing', async () => {
    const account = impatient();
    const { puppet } = await connect(account);
    account.time += 60_000;
    puppet.messageRawPayload = never;
    puppet.emit('message', { messageId: 'm1' });
    account.time += 60_000;
    puppet.emit('message', { messageId: 'm2' });
    await until(() => account.lost !== undefined, 'lost', 10_000);
    expect(account.lost).toMatchObject({ code: 'unavailable', message: expect.stringContaining('does not answer') });
    account.time += 60_000;
    await end(account);
    await connect(account);
    expect(gapOf(account)).toEqual({ from: '2026-11-21T09:31:00.000Z', to: '2026-11-21T09:33:00.000Z' });
  });

  it('when it is to stop is left to itself, whatever is under way', async () => {
    const account = impatient();
    const { puppet, session, mocker, me } = await connect(account);
    account.before = never;
    customer(mocker).say('hi').to(me);
    let stop = (): void => undefined;
    puppet.onStop = () => new Promise((resolve) => (stop = resolve));
    await end(account);
    stop();
    const sending = channel.send!(unitTo('wxid_alice', { type: 'text', text: 'hi' }), account.with(session));
    await expect(sending).resolves.toBeDefined();
  }, 9_000);

  it('to what is asked for a message that is sent, or for a file, has a known outcome', async () => {
    const account = impatient();
    const { puppet, session } = await connect(account);
    puppet.contactList = never;
    puppet.messageFile = never;
    puppet.messageSendText = never;
    const ctx = account.with(session);
    const sending = (thread: string) => channel.send!(unitTo(thread, { type: 'text', text: 'hi' }), ctx);
    await expect(sending('alias:王总')).rejects.toMatchObject({ code: 'unavailable' });
    await expect(channel.fetchMedia!('m1', ctx)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(sending('wxid_alice')).rejects.toMatchObject({ code: 'outcome-unknown' });
  });
});

describe('an end in order', () => {
  it('stores what came in before', async () => {
    const account = bench('a');
    const { mocker, me } = await connect(account);
    const alice = customer(mocker);
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    account.before = () => gate;
    for (const text of ['one', 'two', 'three']) alice.say(text).to(me);
    await new Promise((done) => setTimeout(done, 20));
    const closed = end(account);
    setTimeout(release, 50);
    await closed;
    expect(textsOf(account)).toEqual(['one', 'two', 'three']);
  });
});

describe('a gap', () => {
  it('is told after a kill, and once', async () => {
    const account = bench('a');
    await connect(account);
    kill(account);
    account.time += 3_690_000;
    await connect(account);
    expect(gapOf(account)).toEqual({ from: '2026-11-21T09:30:00.000Z', to: '2026-11-21T10:31:30.000Z' });
    kill(account);
    await connect(account);
    expect(gapOf(account)).toEqual({ from: '2026-11-21T10:31:30.000Z', to: '2026-11-21T10:31:30.000Z' });
  });

  it('begins at the last minute before the kill, also where nobody wrote for long', async () => {
    const account = bench('a');
    jest.useFakeTimers({ doNotFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'nextTick', 'queueMicrotask', 'Date', 'performance', 'hrtime'] }); // prettier-ignore
    await connect(account);
    account.time += 7_200_000;
    jest.advanceTimersByTime(60_000);
    jest.useRealTimers();
    await until(() => account.shared.get('login')?.includes('11:30:00') === true);
    kill(account);
    account.time += 60_000;
    await connect(account);
    expect(gapOf(account)?.from).toBe('2026-11-21T11:30:00.000Z');
  });

  it.each([
    ['last sign of life of a puppet that gives some', 90_000, '2026-11-21T09:30:00.000Z'],
    ['end where signs are rare', 3_600_000, '2026-11-21T10:25:00.000Z'],
  ])('begins at the %s', async (_what, silentMs, from) => {
    const account = bench('a');
    const { puppet } = await connect(account);
    puppet.emit('heartbeat', { data: '' });
    account.time += silentMs;
    await end(account);
    await connect(account);
    expect(gapOf(account)?.from).toBe(from);
  });

  it('is told until it is stored, and only then is it over', async () => {
    const account = bench('a');
    await connect(account);
    kill(account);
    account.time += 60_000;
    account.reporting = () => false;
    const opening = socket.open(account.emit, account.context());
    opening.catch(() => undefined);
    await until(() => puppets.length === 2 && puppets[1]!.state.active() === true);
    puppets[1]!.mocker.login(puppets[1]!.mocker.createContact({ id: 'wxid_self' }));
    await new Promise((done) => setTimeout(done, 400));
    account.end();
    await expect(opening).rejects.toThrow('closed');
    account.reporting = () => true;
    account.time += 60_000;
    await connect(account);
    expect(gapOf(account)).toEqual({ from: '2026-11-21T09:30:00.000Z', to: '2026-11-21T09:32:00.000Z' });
  });
});

describe('an account', () => {
  it('is that of one user: another one is sent away, unless the settings name them', async () => {
    const account = bench('a');
    await connect(account, 'wxid_li');
    await end(account);
    await expect(connect(account, 'wxid_wang')).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining('userId'),
    });
    expect(puppets.at(-1)!.isLoggedIn).toBe(false);
    const named = Object.assign(bench('a', { userId: 'wxid_wang' }), { shared: account.shared });
    await connect(named, 'wxid_wang');
    await end(named);
    await connect(account, 'wxid_wang');
  });
});
