import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FailureCode, ProviderFailure } from '#normalizer';
import { DeliveryRefused } from './connector.js';
import {
  afterDelivery,
  afterSend,
  outcomeOf,
  type Attempts,
  type Outcome,
  type RetryDecision,
  type Run,
} from './retry.js';

const DAY = 86_400_000;
const FIRST: Attempts = { elapsedMs: 0 };
const codes = FailureCode.options;

/** Tries again and again until a decision is not `retry`; gives the delays and the last decision. */
function course(decide: (attempts: Attempts) => RetryDecision): { delays: number[]; end: RetryDecision } {
  const delays: number[] = [];
  let elapsedMs = 0;
  let run: Run | undefined;
  while (delays.length < 1_000) {
    const decision = decide({ run, elapsedMs });
    if (decision.kind !== 'retry') return { delays, end: decision };
    delays.push(decision.delayMs);
    run = decision.run;
    elapsedMs += decision.delayMs;
  }
  throw new Error('it never ends');
}
const sum = (delays: number[]): number => delays.reduce((total, delay) => total + delay, 0);
const random = fc.double({ min: 0, max: 1, noNaN: true });

describe('afterDelivery', () => {
  it.each([
    { status: 500 },
    { status: 503 },
    { status: 408 },
    { status: 429 },
    { code: 'unavailable' },
    { code: 'outcome-unknown' },
    { code: 'throttled' },
  ] as Outcome[])('tries %p over 7 days, ever more slowly, then parks it', (outcome) =>
    fc.assert(
      fc.property(random, (draw) => {
        const { delays, end } = course((attempts) => afterDelivery(attempts, outcome, () => draw));
        expect(end.kind).toBe('park');
        expect(sum(delays)).toBeLessThanOrEqual(7 * DAY);
        expect(sum(delays)).toBeGreaterThan(6 * DAY);
        expect([...delays].sort((a, b) => a - b)).toEqual(delays);
        expect(delays[0]).toBeGreaterThanOrEqual(4_000);
      }),
    ),
  );

  it.each([400, 413, 422, 405, 415, 451])('parks a %i after 5 attempts within 5 minutes', (status) =>
    fc.assert(
      fc.property(random, (draw) => {
        const { delays, end } = course((attempts) => afterDelivery(attempts, { status }, () => draw));
        expect([end.kind, delays.length]).toEqual(['park', 4]);
        expect(sum(delays)).toBeLessThan(300_000);
      }),
    ),
  );

  it('parks what our own code stumbles over within 5 minutes, too', () => {
    const { delays, end } = course((attempts) => afterDelivery(attempts, outcomeOf(new RangeError('secret words'))));
    expect(end).toEqual({ kind: 'park', reason: 'the gateway itself failed (RangeError), after 5 attempts' });
    expect(sum(delays)).toBeLessThan(300_000);
  });

  it.each([401, 403, 404, 301, 307])('pauses the destination after a few %i', (status) => {
    const { delays, end } = course((attempts) => afterDelivery(attempts, { status }));
    expect([end.kind, delays.length]).toEqual(['pause', 3]);
    expect(afterDelivery(FIRST, { status })).toMatchObject({ scope: 'target' });
  });

  it('counts attempts in a row of one kind alone, and yet ends when kinds alternate for ever', () => {
    const after = (run: Run, status: number) => afterDelivery({ run, elapsedMs: 0 }, { status }, () => 0.5);
    const outage = { course: 'outage', made: 9 };
    for (const [status, name] of [
      [404, 'misdirected'],
      [400, 'refused'],
    ] as const)
      expect(after(outage, status)).toMatchObject({ kind: 'retry', delayMs: 5_000, run: { course: name, made: 1 } });
    expect(after({ course: 'misdirected', made: 3 }, 503)).toMatchObject({ run: { course: 'outage', made: 1 } });
    expect(after({ course: 'misdirected', made: 3 }, 404).kind).toBe('pause');
    let turn = 0;
    const { end } = course((attempts) =>
      afterDelivery({ ...attempts, elapsedMs: attempts.elapsedMs * 1_000 }, { status: (turn += 1) % 2 ? 404 : 400 }),
    );
    expect(end.kind).not.toBe('retry');
  });

  it('pauses the destination at once on 410 and on settings that cannot work', () => {
    for (const outcome of [{ status: 410 }, { code: 'config-invalid' }] as Outcome[]) {
      expect(afterDelivery(FIRST, outcome).kind).toBe('pause');
    }
  });

  it('holds the whole destination back on 429, and only the lane on an outage', () => {
    expect(afterDelivery(FIRST, { status: 429 })).toMatchObject({ kind: 'retry', scope: 'target' });
    expect(afterDelivery(FIRST, { status: 500 })).toMatchObject({ kind: 'retry', scope: 'item' });
  });

  it('obeys Retry-After exactly, from a second up to a day', () => {
    fc.assert(
      fc.property(fc.nat(10 * DAY), random, (retryAfterMs, draw) => {
        const decision = afterDelivery(FIRST, { status: 503, retryAfterMs }, () => draw);
        expect(decision).toMatchObject({
          kind: 'retry',
          delayMs: Math.min(Math.max(retryAfterMs, 1_000), DAY),
          scope: 'item',
        });
      }),
    );
  });

  it('waits a second where Retry-After asks for none, of deliveries and of sends', () => {
    for (const decision of [
      afterDelivery(FIRST, { status: 429, retryAfterMs: 0 }),
      afterSend(FIRST, { code: 'throttled', idempotent: false, retryAfterMs: 0 }),
    ])
      expect(decision).toMatchObject({ kind: 'retry', delayMs: 1_000 });
  });

  it.each([-5, NaN, -Infinity])('ignores a Retry-After of %p', (retryAfterMs) => {
    const decision = afterDelivery(FIRST, { status: 503, retryAfterMs }, () => 0.5);
    expect(decision).toMatchObject({ kind: 'retry', delayMs: 5_000 });
  });

  it('keeps delays within 20 % of the table', () => {
    const [least, middle, most] = [0, 0.5, 1].map((draw) =>
      afterDelivery({ run: { course: 'outage', made: 2 }, elapsedMs: 0 }, { status: 500 }, () => draw),
    );
    expect([least, middle, most]).toMatchObject([{ delayMs: 96_000 }, { delayMs: 120_000 }, { delayMs: 144_000 }]);
  });
});

describe('afterSend', () => {
  it('fails one message alone where the settings do not fit that one', () => {
    const outcome = { code: 'config-invalid', idempotent: false } as const;
    expect(afterSend(FIRST, outcome)).toMatchObject({ kind: 'pause' });
    expect(afterSend(FIRST, { ...outcome, scope: 'item' })).toMatchObject({ kind: 'park' });
  });

  const send = (code: FailureCode, idempotent = false) =>
    course((attempts) => afterSend(attempts, { code, idempotent }));

  it.each(['unavailable', 'throttled'] as const)('tries what is %s for a day, then gives the message up', (code) => {
    const { delays, end } = send(code);
    expect(end.kind).toBe('park');
    expect(sum(delays)).toBeLessThanOrEqual(DAY);
    expect(sum(delays)).toBeGreaterThan(DAY / 4);
  });

  it('holds the whole account back while it is throttled, unless only one recipient is', () => {
    const outcome = { code: 'throttled', idempotent: false, retryAfterMs: 7_000 } as const;
    expect(afterSend(FIRST, outcome)).toMatchObject({ kind: 'retry', delayMs: 7_000, scope: 'target' });
    const ofOne = afterSend(FIRST, { ...outcome, scope: 'item' });
    expect(ofOne).toMatchObject({ kind: 'retry', delayMs: 7_000, scope: 'item' });
  });

  it('never repeats an unknown outcome, unless the provider takes an idempotency key', () => {
    expect(send('outcome-unknown')).toMatchObject({ delays: [], end: { kind: 'park' } });
    expect(send('outcome-unknown', true).delays.length).toBeGreaterThan(5);
  });

  it('repeats refused credentials a few times, then pauses the account', () => {
    const { delays, end } = send('unauthorized');
    expect([delays.length, end.kind]).toEqual([3, 'pause']);
  });

  it.each([
    'content-refused',
    'window-closed',
    'recipient-gone',
    'opted-out',
    'reply-unreadable',
    'cancelled',
  ] as const)('does not repeat %s', (code) => expect(send(code)).toMatchObject({ delays: [], end: { kind: 'park' } }));

  it('pauses the account on settings that cannot work', () => {
    expect(send('config-invalid')).toMatchObject({ delays: [], end: { kind: 'pause' } });
  });
});

describe('every decision', () => {
  it('ends, gives a reason, and never waits a negative or endless time', () => {
    const outcomes: fc.Arbitrary<Outcome> = fc.oneof(
      fc.record({
        status: fc.integer({ min: 100, max: 999 }),
        retryAfterMs: fc.option(fc.integer(), { nil: undefined }),
      }),
      fc.record({ code: fc.constantFrom(...codes), retryAfterMs: fc.option(fc.double(), { nil: undefined }) }),
    );
    const attempts = fc.record({
      run: fc.record({ course: fc.constantFrom('outage', 'refused', 'misdirected'), made: fc.nat(10_000) }),
      elapsedMs: fc.nat(30 * DAY),
    });
    fc.assert(
      fc.property(attempts, outcomes, fc.tuple(random, fc.boolean()), (tried, outcome, [draw, idempotent]) => {
        const decisions = [afterDelivery(tried, outcome, () => draw)];
        if ('code' in outcome) decisions.push(afterSend(tried, { ...outcome, idempotent }, () => draw));
        for (const decision of decisions) {
          if (decision.kind === 'retry') expect(decision.delayMs >= 0 && decision.delayMs <= DAY).toBe(true);
          else expect(decision.reason.length).toBeGreaterThan(10);
        }
      }),
    );
  });

  it('reads the outcome of an error', () => {
    expect(outcomeOf(new DeliveryRefused(503, 'busy', 7_000))).toEqual({ status: 503, retryAfterMs: 7_000 });
    expect(outcomeOf(new ProviderFailure('throttled', 'slow', { retryAfterMs: 5 }))).toEqual({
      code: 'throttled',
      retryAfterMs: 5,
    });
    expect(outcomeOf(new TypeError('a bug'))).toEqual({ fault: 'TypeError' });
  });
});
