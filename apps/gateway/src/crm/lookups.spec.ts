import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { CrmRecord } from '#identity';
import { ProviderFailure, type Handle } from '#normalizer';
import { Lookups } from './lookups.js';

const TTL = 600_000;
const ABSENT = 120_000;
const STALE = 3_600_000;

type Answer = (signal: AbortSignal) => Promise<CrmRecord | null>;
const phone = (n: number): Handle => ({ scheme: 'phone', scope: '', value: `+8613800${n}`, proof: 'channel' });
const LI: CrmRecord = { id: 'p-1', url: null, name: 'Li' };
const says =
  (record: CrmRecord | null): Answer =>
  () =>
    Promise.resolve(record);
const fails =
  (code: ProviderFailure['code'], more: { retryAfterMs?: number } = {}): Answer =>
  () =>
    Promise.reject(new ProviderFailure(code, 'no', more));
const never: Answer = (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('gone')))); // prettier-ignore

let answer: Answer;
let asked: Handle[];
let troubles: (string | null)[];
let lookups: Lookups;
const make = () =>
  new Lookups({
    ...{ ttlMs: TTL, absentMs: ABSENT, staleMs: STALE, timeoutMs: 3_000 },
    ask: (handle, signal) => (asked.push(handle), answer(signal)),
    onTrouble: (failure) => void troubles.push(failure && failure.code),
  });
beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  [asked, troubles, answer] = [[], [], says(LI)];
  lookups = make();
});
afterEach(() => {
  lookups.stop();
  jest.useRealTimers();
});
const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);
const find = async (handle: Handle) => lookups.find(handle)!.done;

describe('look-ups', () => {
  it('ask once for a handle, however many want to know, and remember the answer', async () => {
    const flights = [lookups.find(phone(1)), lookups.find(phone(1))];
    expect(flights[0]).toBe(flights[1]);
    await flights[0]!.done;
    expect(asked).toHaveLength(1);
    expect(lookups.known(phone(1))).toMatchObject({ record: LI });
    expect(lookups.isFresh(phone(1))).toBe(true);
    expect(lookups.isFresh(phone(2))).toBe(false);
  });

  it('take an answer for fresh for its time, a shorter one where nobody is known', async () => {
    await find(phone(1));
    answer = says(null);
    await find(phone(2));
    await pass(ABSENT);
    expect([lookups.isFresh(phone(1)), lookups.isFresh(phone(2))]).toEqual([true, false]);
    await pass(TTL - ABSENT);
    expect(lookups.isFresh(phone(1))).toBe(false);
  });

  it('keep what was known while the CRM fails, until it is too old', async () => {
    await find(phone(1));
    answer = fails('unavailable');
    await pass(TTL);
    await lookups.find(phone(1))!.first;
    expect(lookups.known(phone(1))).toMatchObject({ record: LI });
    await pass(STALE);
    expect(lookups.known(phone(1))).toBeUndefined();
  });

  it('go on in the background until the CRM answers', async () => {
    answer = fails('unavailable');
    const flight = lookups.find(phone(1))!;
    await flight.first;
    expect(lookups.known(phone(1))).toBeUndefined();
    await pass(1_000);
    expect(asked).toHaveLength(2);
    answer = says(LI);
    await pass(2_000);
    await flight.done;
    expect(lookups.known(phone(1))).toMatchObject({ record: LI });
    expect(troubles).toEqual(['unavailable', null]);
  });

  it('slow down, and give up after an hour', async () => {
    answer = fails('unavailable');
    const flight = lookups.find(phone(1))!;
    let over = false;
    void flight.done.then(() => (over = true));
    await pass(3_500_000);
    expect(over).toBe(false);
    expect(asked.length).toBeLessThan(75);
    await pass(200_000);
    expect(over).toBe(true);
    expect(lookups.size).toBe(0);
  });

  it('give a slow CRM its time, and no more', async () => {
    answer = never;
    const flight = lookups.find(phone(1))!;
    await pass(2_999);
    expect(troubles).toEqual([]);
    await pass(1);
    await flight.first;
    expect(troubles).toEqual(['unavailable']);
  });

  it('end with the process', async () => {
    let told: AbortSignal | undefined;
    answer = (signal) => ((told = signal), never(signal));
    const flight = lookups.find(phone(1))!;
    lookups.stop();
    await flight.done;
    expect(told!.aborted).toBe(true);
    expect(troubles).toEqual([]);
    expect(lookups.find(phone(2))).toBeUndefined();
  });

  it('do not ask again for what was refused for what it is', async () => {
    answer = fails('content-refused');
    await find(phone(1));
    expect(lookups.isFresh(phone(1))).toBe(true);
    expect(lookups.known(phone(1))).toMatchObject({ record: null });
    expect(troubles).toEqual([]);
  });

  it('take an answer that nobody expected for a failure', async () => {
    answer = () => Promise.reject(new TypeError('x is undefined'));
    await lookups.find(phone(1))!.first;
    expect(troubles).toEqual(['reply-unreadable']);
  });

  it('ask for eight at once, and for the others in turn', async () => {
    const ends: ((record: CrmRecord) => void)[] = [];
    answer = () => new Promise((resolve) => ends.push(resolve));
    const flights = Array.from({ length: 20 }, (_, n) => lookups.find(phone(n))!);
    expect(asked).toHaveLength(8);
    ends[0]!(LI);
    await flights[0]!.done;
    await pass(0);
    expect(asked).toHaveLength(9);
    expect(lookups.hopeful).toBe(true);
    for (let n = 100; n < 200; n += 1) lookups.find(phone(n));
    expect(lookups.hopeful).toBe(false);
  });
});

describe('look-ups in a CRM that is down', () => {
  const breakDown = async () => {
    answer = fails('unavailable');
    for (let n = 0; n < 5; n += 1) {
      await lookups.find(phone(n))!.first;
      await pass(600);
    }
  };

  it('stop at a few failures, probe, and go on once it answers', async () => {
    await breakDown();
    expect(lookups.hopeful).toBe(false);
    const before = asked.length;
    for (let n = 10; n < 60; n += 1) lookups.find(phone(n));
    await pass(100);
    expect(asked.length - before).toBeLessThanOrEqual(1);
    await pass(60_000);
    expect(asked.length - before).toBeLessThan(12);
    answer = says(LI);
    await pass(61_000);
    expect(lookups.hopeful).toBe(true);
    expect(lookups.size).toBe(0);
    expect(lookups.isFresh(phone(59))).toBe(true);
    expect(troubles).toEqual(['unavailable', null]);
  });

  it('wait as long as the CRM asks for', async () => {
    answer = fails('throttled', { retryAfterMs: 10_000 });
    await lookups.find(phone(1))!.first;
    expect(lookups.hopeful).toBe(false);
    lookups.find(phone(2));
    await pass(9_000);
    expect(asked).toHaveLength(1);
    answer = says(LI);
    await pass(1_100);
    expect(asked).toHaveLength(3);
    expect(lookups.isFresh(phone(2))).toBe(true);
  });

  it('hold a bounded number of handles', async () => {
    await breakDown();
    for (let n = 100; n < 6_100; n += 1) lookups.find(phone(n));
    expect(lookups.size).toBe(5_000);
    expect(lookups.find(phone(9_999))).toBeUndefined();
  });
});

describe('what look-ups remember', () => {
  it('is bounded, the oldest goes first', async () => {
    for (let n = 0; n < 20_001; n += 1) await lookups.refresh(phone(n));
    expect(lookups.known(phone(0))).toBeUndefined();
    expect(lookups.known(phone(1))).toBeDefined();
  });

  it('is shown already where the CRM says the same again, and not where it says something else', async () => {
    await find(phone(1));
    lookups.known(phone(1))!.applied = { contactId: 'con_1', proof: 'verified' };
    await lookups.refresh(phone(1));
    expect(lookups.known(phone(1))!.applied).toEqual({ contactId: 'con_1', proof: 'verified' });
    answer = says({ ...LI, name: 'Li Wei' });
    await lookups.refresh(phone(1));
    expect(lookups.known(phone(1))!.applied).toBeUndefined();
  });
});

describe('a look-up on demand', () => {
  it('asks at once, whatever is known, and fails as the CRM fails', async () => {
    await find(phone(1));
    await lookups.refresh(phone(1));
    expect(asked).toHaveLength(2);
    answer = fails('unauthorized');
    await expect(lookups.refresh(phone(1))).rejects.toMatchObject({ code: 'unauthorized' });
    expect(lookups.known(phone(1))).toMatchObject({ record: LI });
  });
});
