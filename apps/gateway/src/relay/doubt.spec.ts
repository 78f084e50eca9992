import { describe, expect, it } from '@jest/globals';
import type { Entry } from '#conversations';
import { Doubt } from './doubt.js';

let now = 1_000;
let position = 0;
const entry = (changes: Partial<Entry> = {}) =>
  ({ position: (position += 1), attempts: 0, replay: false, readAt: now, ageMs: 0, ...changes }) as Entry;
const lease = (token = 1) => ({ name: 'outbox:7', token });

describe('Doubt', () => {
  it('has none of what was laid since the lease is held, and of which no attempt began', () => {
    const doubt = new Doubt(() => now);
    doubt.about([entry()], lease());
    now += 100;
    expect(doubt.about([entry()], lease())).toBe(false);
    expect(doubt.about([entry({ ageMs: 50 }), entry()], lease())).toBe(false);
  });

  it.each<[string, Partial<Entry>]>([
    ['failed before', { attempts: 1 }],
    ['is replayed', { replay: true }],
    ['was laid before the lease was held', { ageMs: 500 }],
  ])('has it of what %s', (_what, changes) => {
    const doubt = new Doubt(() => now);
    doubt.about([entry()], lease());
    now += 100;
    expect(doubt.about([entry(changes)], lease())).toBe(true);
  });

  it('has it of what began here and came back, alone or in a batch, and of another lease anew', () => {
    const doubt = new Doubt(() => now);
    doubt.about([entry()], lease());
    now += 100;
    const [a, b] = [entry(), entry()];
    expect(doubt.about([a, b], lease())).toBe(false);
    expect(doubt.about([b], lease())).toBe(true);
    now += 100;
    expect(doubt.about([entry({ ageMs: 50 })], lease(2))).toBe(true);
  });
});
