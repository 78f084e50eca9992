import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { describeOnPostgres, describeWithRedis, RedisServer, SilentProxy } from '../testing/index.js';
import { postgresLine, redisLine, SharedHints, type OpenLine } from './index.js';

const QUICK = { beatMs: 100, retryMs: { first: 10, most: 50 } };

/** Two processes on one line: what the second one hears of the first. */
class Pair {
  readonly heard: string[] = [];
  readonly said: string[] = [];
  readonly one: SharedHints;
  readonly other: SharedHints;

  constructor(open: OpenLine, through: OpenLine = open) {
    this.one = new SharedHints(open, () => {}, QUICK);
    this.other = new SharedHints(through, (text) => void this.said.push(text), QUICK);
    this.other.onHint('news', (payload) => this.heard.push(payload));
  }

  async connect(): Promise<this> {
    await Promise.all([this.one.connect(), this.other.connect()]);
    return this;
  }

  /** Hints until one arrives. */
  async passes(payload: string): Promise<void> {
    for (let n = 0; !this.heard.includes(`${payload} ${n - 1}`); n += 1) {
      this.one.hint('news', `${payload} ${n}`);
      await delay(20);
    }
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await delay(5);
  }

  async close(): Promise<void> {
    await Promise.all([this.one.close(), this.other.close()]);
  }
}

/** What must be true of hints over any line. */
function overAnyLine(line: () => Promise<{ open: (url: string) => OpenLine; url: string }>): void {
  it('reach the others once, also repeats in which something is different, and long ones at least without their payload', async () => {
    const { open, url } = await line();
    const pair = await new Pair(open(url)).connect();
    const own: string[] = [];
    pair.one.onHint('news', (payload) => own.push(payload));
    for (let n = 0; n < 50; n += 1) pair.one.hint('news', 'same');
    pair.one.hint('news', `两行\n${'x'.repeat(9_000)}`);
    pair.one.hint('news', 'a\nb');
    await pair.until(() => pair.heard.includes('a\nb'));
    expect(pair.heard.filter((payload) => payload === 'same')).toHaveLength(1);
    expect(pair.heard[1]).toMatch(/^$|^两行\nx+$/);
    expect(own.filter((payload) => payload === 'a\nb')).toHaveLength(1);
    await pair.close();
  });

  it('reach the others also when they were the last word of a process', async () => {
    const { open, url } = await line();
    const pair = await new Pair(open(url)).connect();
    await pair.passes('first');
    pair.one.hint('news', 'farewell');
    await pair.one.close();
    await pair.until(() => pair.heard.includes('farewell'));
    await pair.close();
  });

  it('find out that a line is silent, and take a new one', async () => {
    const { open, url } = await line();
    const proxy = await new SilentProxy(url).start();
    const pair = await new Pair(open(url), open(proxy.url)).connect();
    await pair.passes('before');
    expect(pair.other.arrive()).toBe(true);
    proxy.silence();
    await pair.until(() => !pair.other.arrive());
    await pair.passes('after');
    expect(pair.said).toEqual([expect.stringContaining('it is silent'), expect.stringContaining('again')]);
    await pair.close();
    await proxy.stop();
  });
}

describeOnPostgres('hints over LISTEN and NOTIFY', (_open, place) => {
  overAnyLine(async () => ({ open: postgresLine, url: (await place()).url! }));

  it('leave nothing to the queue of the driver, which is going to have none', async () => {
    let [running, most] = [0, 0];
    const query = Reflect.get(pg.Client.prototype, 'query') as (...given: unknown[]) => Promise<unknown>;
    const spy = jest.spyOn(pg.Client.prototype, 'query').mockImplementation(async function (this: pg.Client, ...given) {
      most = Math.max(most, (running += 1));
      return query.apply(this, given).finally(() => (running -= 1));
    } as typeof query as never);
    const heard: string[] = [];
    const all = [['one'], ['two', 'three'], ['four']];
    const line = await postgresLine((await place()).url!)({ heard: (message) => heard.push(message), lost: () => {} });
    await Promise.all(all.map((messages) => line.say(messages)));
    while (heard.length < 4) await delay(5);
    expect(heard).toEqual(all.flat());
    expect(most).toBe(1);
    spy.mockRestore();
    line.drop();
  });
});

describeWithRedis('hints over Redis', () => {
  const redis = new RedisServer();
  beforeAll(() => redis.start());
  afterAll(() => redis.stop());

  overAnyLine(async () => ({ open: redisLine, url: redis.url }));

  it('arrive again after the server was away, with what was hinted just before it came back', async () => {
    const pair = await new Pair(redisLine(redis.url)).connect();
    await pair.passes('before');
    await redis.command('flushall');
    await pair.passes('flushed');
    await redis.stop();
    await pair.until(() => !pair.one.arrive() && !pair.other.arrive());
    const again = new Promise<string>((heard) => pair.other.onHint('heard-again', heard));
    await redis.start();
    await again;
    await pair.passes('after');
    await pair.close();
  });

  it('of another number on the same server are not heard', async () => {
    const pair = await new Pair(redisLine(redis.url)).connect();
    const stranger = new SharedHints(redisLine(redis.url.replace(/0$/, '1')), () => {});
    await stranger.connect();
    stranger.hint('news', 'of strangers');
    await pair.passes('ours');
    expect(pair.heard).not.toContain('of strangers');
    await Promise.all([pair.close(), stranger.close()]);
  });
});

describe('hints for which there is no line', () => {
  it('are kept a moment for the one that comes', async () => {
    const said: string[] = [];
    let open: () => void = () => undefined;
    const ready = new Promise<void>((resolve) => (open = resolve));
    const hints = new SharedHints(
      async () => {
        await ready;
        return { say: async (messages) => void said.push(...messages), drop: () => undefined };
      },
      () => {},
      QUICK,
    );
    const connected = hints.connect();
    hints.hint('news', 'early');
    await delay(50);
    expect(hints.arrive()).toBe(false);
    open();
    await connected;
    expect(said.map((message) => message.slice(message.indexOf('\n')))).toContain('\nnews\nearly');
    await hints.close();
  });

  it('take one that cannot be had for what it is: tried again until it is there', async () => {
    let tries = 0;
    const hints = new SharedHints(
      async () => {
        if ((tries += 1) < 4) throw new Error('refused');
        return { say: async () => undefined, drop: () => undefined };
      },
      () => {},
      QUICK,
    );
    await hints.connect();
    while (!hints.arrive()) await delay(5);
    expect(tries).toBe(4);
    await hints.close();
  });
});
