import { describe, expect, it } from '@jest/globals';
import type { Entry } from '#conversations';
import { Breaker } from './breaker.js';
import { Pace } from './pace.js';
import { Target } from './target.js';

const entry = (position: number, lane = 'hd:1', more: Partial<Entry> = {}): Entry => ({
  ...{ position, lane, partition: 0, kind: 'event', targetId: 'hd', itemId: `e${position}`, replay: false },
  ...{ attempts: 0, run: null, ageMs: 0, tryingMs: 0, dueMs: 0, readAt: 0, event: null, unit: null },
  ...more,
});

function setUp(room = { lane: 3, target: 6 }) {
  const clock = { now: 0 };
  const target = new Target({ kind: 'event', id: 'hd' }, { room, now: () => clock.now, wake: () => undefined });
  const take = (): number[] => {
    const lane = target.next();
    return lane ? target.begin(lane, 10).map(({ position }) => position) : [];
  };
  return { target, clock, take };
}

describe('a target', () => {
  it('hands out lanes one after the other, and a lane not again before its dispatch has ended', () => {
    const { target, take } = setUp();
    target.accept(entry(1), 'fresh');
    target.accept(entry(2, 'hd:2'), 'fresh');
    expect([take(), take(), take()]).toEqual([[1], [2], []]);
    target.accept(entry(3), 'fresh');
    expect(take()).toEqual([]);
    target.end(target.lanes.get('hd:1')!, 1);
    expect(take()).toEqual([3]);
  });

  it('never takes in what it holds or has settled, until the reading that may still see it is over', () => {
    const { target, take } = setUp();
    target.accept(entry(1), 'fresh');
    take();
    target.accept(entry(1), 'backlog');
    target.end(target.lanes.get('hd:1')!, 1);
    target.accept(entry(1), 'backlog');
    expect(take()).toEqual([]);
    target.sweep();
    expect(target.lanes.size).toBe(0);
  });

  it('keeps the front of a long lane, and marks the rest as being in the database', () => {
    const { target, take } = setUp();
    for (let n = 1; n <= 5; n += 1) target.accept(entry(n), 'fresh');
    expect(target.rows).toBe(3);
    const lane = target.lanes.get('hd:1')!;
    expect(take()).toEqual([1, 2, 3]);
    target.end(lane, 3);
    expect([...target.thirst]).toEqual([lane]);
    expect(lane.loadedTo).toBe(3);
    for (const n of [4, 5]) target.accept(entry(n), 'lane');
    target.quenched(lane, false);
    expect(take()).toEqual([4, 5]);
  });

  it('falls behind when it is full, from the first entry that it did not take', () => {
    const { target } = setUp();
    for (let n = 1; n <= 9; n += 1) target.accept(entry(n, `hd:${n}`), 'fresh');
    expect([target.rows, target.backlog]).toEqual([6, 6]);
    target.accept(entry(10, 'hd:1'), 'fresh');
    expect([target.rows, target.backlog]).toEqual([6, 6]);
  });

  it('sets aside a lane whose head is not due, with all that follows in it', () => {
    const { target, take } = setUp();
    target.accept(entry(1, 'hd:1', { dueMs: 60_000 }), 'backlog');
    target.accept(entry(2), 'backlog');
    target.accept(entry(2), 'lane');
    target.accept(entry(3, 'hd:2'), 'backlog');
    expect([take(), take(), target.rows]).toEqual([[3], [], 0]);
    target.close();
  });

  it('starts from the beginning after it was held, without what is under way', () => {
    const { target, clock, take } = setUp();
    for (const n of [1, 2]) target.accept(entry(n, `hd:${n}`), 'fresh');
    expect(take()).toEqual([1]);
    const { epoch } = target;
    target.hold(1_000);
    expect([target.rows, target.backlog, target.appetite, take()]).toEqual([0, 0, 0, []]);
    expect(target.epoch).not.toBe(epoch);
    clock.now = 1_001;
    expect(target.appetite).toBeGreaterThan(0);
    for (const n of [1, 2]) target.accept(entry(n, `hd:${n}`), 'backlog');
    expect([take(), take()]).toEqual([[2], []]);
  });

  it('reads a batch again from the first entry that was not settled', () => {
    const { target, take } = setUp();
    for (const n of [1, 2, 3]) target.accept(entry(n), 'fresh');
    const lane = target.lanes.get('hd:1')!;
    expect(take()).toEqual([1, 2, 3]);
    target.end(lane, 1);
    expect([lane.loadedTo, lane.spilled, target.rows]).toEqual([1, true, 0]);
  });

  it('does not mix replays and first deliveries in one batch', () => {
    const { target, take } = setUp({ lane: 9, target: 9 });
    [false, false, true, false].forEach((replay, n) => target.accept(entry(n + 1, 'hd:1', { replay }), 'fresh'));
    const lane = target.lanes.get('hd:1')!;
    const batches: number[][] = [];
    for (let n = 0; n < 3; n += 1) {
      batches.push(take());
      target.end(lane, batches[n]!.length);
    }
    expect(batches).toEqual([[1, 2], [3], [4]]);
  });
});

describe('a breaker', () => {
  it('opens after failures in a row, lets one probe through, and closes at a success', () => {
    let now = 0;
    const breaker = new Breaker(() => now);
    for (let n = 0; n < 4; n += 1) expect(breaker.failed()).toBe(false);
    expect(breaker.permits(32)).toBe(32);
    expect(breaker.failed()).toBe(true);
    expect(breaker.permits(32)).toBe(0);
    now = breaker.until;
    expect(breaker.permits(32)).toBe(1);
    expect(breaker.failed()).toBe(true);
    expect(breaker.until - now).toBe(2_000);
    now = breaker.until;
    breaker.succeeded();
    expect(breaker.permits(32)).toBe(32);
  });

  it('does not open by failures with successes between them, and never stays open for more than half a minute', () => {
    let now = 0;
    const breaker = new Breaker(() => now);
    for (let n = 0; n < 20; n += 1) {
      breaker.failed();
      if (n % 2) breaker.succeeded();
    }
    expect(breaker.permits(32)).toBe(32);
    for (let n = 0; n < 20; n += 1) {
      breaker.failed();
      expect(breaker.until - now).toBeLessThanOrEqual(30_000);
      now = Math.max(now, breaker.until);
    }
  });
});

describe('a breaker beside conversations that are refused', () => {
  it('does not open by what failed before, nor while something got through of late', () => {
    let now = 0;
    const breaker = new Breaker(() => now);
    for (let n = 0; n < 50; n += 1) breaker.failed(false);
    expect(breaker.permits(32)).toBe(32);
    breaker.succeeded();
    for (let n = 0; n < 50; n += 1) breaker.failed(true);
    expect(breaker.permits(32)).toBe(32);
    now = 2_000;
    expect(breaker.failed(true)).toBe(true);
    expect(breaker.permits(32)).toBe(0);
  });
});

describe('the rate of a channel', () => {
  const sms = (position: number, lane: string, segments: number) =>
    entry(position, lane, { kind: 'unit', unit: { segments: { encoding: 'gsm7', units: 0, segments } } as never });

  it('counts what carriers count: a message of four segments is four', () => {
    const { target, clock } = setUp();
    const rate = { perSecond: 2 };
    target.accept(sms(1, 'sms:1', 4), 'fresh');
    target.accept(sms(2, 'sms:2', 1), 'fresh');
    expect(target.throttle(target.next()!, rate)).toEqual({ target: 0, lane: 0 });
    const lane = target.next()!;
    expect(target.throttle(lane, rate).target).toBe(1_500);
    clock.now = 1_500;
    expect(target.throttle(lane, rate).target).toBe(0);
  });

  it('is the one of now: settings change, and processes come and go', () => {
    const { target, clock } = setUp({ lane: 10, target: 20 });
    for (let n = 1; n <= 8; n += 1) target.accept(sms(n, `sms:${n}`, 1), 'fresh');
    const lanes = Array.from({ length: 8 }, () => target.next()!);
    const waited = (perSecond: number) => target.throttle(lanes.shift()!, { perSecond }).target;
    expect([waited(2), waited(2), waited(2)]).toEqual([0, 0, 500]);
    expect(waited(1)).toBe(1_000);
    clock.now = 1_000;
    expect([waited(4), waited(4)]).toEqual([0, 250]);
    clock.now = 60_000;
    expect([waited(1), waited(1)]).toEqual([0, 1_000]);
  });

  it('is the one of now for each thread, too', () => {
    const { target, clock } = setUp();
    target.accept(sms(1, 'sms:1', 1), 'fresh');
    const lane = target.next()!;
    const waited = (perThreadPerSecond: number) => target.throttle(lane, { perSecond: 100, perThreadPerSecond }).lane;
    expect([waited(0.5), waited(0.5), waited(2)]).toEqual([0, 2_000, 500]);
    clock.now = 500;
    expect(waited(2)).toBe(0);
  });

  it('is shared by turns: who writes much does not keep others waiting', () => {
    const { target } = setUp({ lane: 10, target: 20 });
    for (let n = 1; n <= 3; n += 1) target.accept(sms(n, 'sms:much', 1), 'fresh');
    target.accept(sms(4, 'sms:little', 1), 'fresh');
    const sent: number[] = [];
    for (let lane = target.next(); lane; lane = target.next()) {
      sent.push(...target.begin(lane, 1).map(({ position }) => position));
      target.end(lane, 1);
    }
    expect(sent).toEqual([1, 4, 2, 3]);
  });
});

describe('a pace', () => {
  it('lets through one second of its rate at once, then one by one', () => {
    let now = 0;
    const pace = new Pace(4, () => now);
    for (let n = 0; n < 4; n += 1) {
      expect(pace.waitMs()).toBe(0);
      pace.take();
    }
    expect(pace.waitMs()).toBe(250);
    now = 250;
    expect(pace.waitMs()).toBe(0);
    pace.take();
    expect(pace.waitMs()).toBe(250);
    now = 10_000;
    expect(pace.full).toBe(true);
  });

  it('is waited for where one thing counts as several', () => {
    let now = 0;
    const pace = new Pace(4, () => now);
    pace.take(10);
    expect(pace.waitMs()).toBe(1_750);
    now = 1_750;
    expect(pace.waitMs()).toBe(0);
  });

  it('goes slower than once a second', () => {
    let now = 0;
    const pace = new Pace(0.5, () => now);
    pace.take();
    expect(pace.waitMs()).toBe(2_000);
    now = 2_000;
    expect(pace.waitMs()).toBe(0);
  });
});
