import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ProviderFailure } from './failure.js';
import { higher, messageStanding, rank, type Standing } from './status.js';

const failed = (code: 'outcome-unknown' | 'recipient-gone'): Standing => ({
  status: 'failed',
  failure: new ProviderFailure(code, 'x').toFailure(),
});
const LADDER: readonly Standing[] = [
  { status: 'queued' },
  { status: 'sent' },
  failed('outcome-unknown'),
  { status: 'delivered' },
  failed('recipient-gone'),
  { status: 'read' },
];

describe('the lattice', () => {
  it('has the order of the contract', () => {
    const ranks = LADDER.map(rank);
    expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
    expect(new Set(ranks).size).toBe(LADDER.length);
    expect(rank({ status: 'received' })).toBeLessThan(rank({ status: 'queued' }));
  });

  it('ends at the highest, whatever the order and the repeats of the receipts, and never steps back', () => {
    const receipts = fc.array(fc.nat(LADDER.length - 1), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(receipts, (steps) => {
        let standing: Standing = { status: 'queued' };
        for (const step of steps) {
          const next = higher(standing, LADDER[step] as Standing);
          expect(rank(next)).toBeGreaterThanOrEqual(rank(standing));
          standing = next;
        }
        expect(standing.status).toBe(LADDER[Math.max(...steps)]?.status);
      }),
    );
  });

  it('keeps the current standing on a tie', () => {
    const first = failed('recipient-gone');
    expect(higher(first, failed('recipient-gone'))).toBe(first);
  });
});

describe('messageStanding', () => {
  it.each([
    [['sent', 'read', 'delivered'], 'sent'],
    [['read', 'read'], 'read'],
    [['queued', 'read'], 'queued'],
    [['read', 'failed', 'queued'], 'failed'],
  ] as const)('%j together are %s', (units, status) => {
    expect(messageStanding(units.map((unit) => ({ status: unit }))).status).toBe(status);
  });

  it('fails as its worst unit', () => {
    const units = [failed('outcome-unknown'), failed('recipient-gone'), { status: 'read' } as const];
    expect(messageStanding(units).failure?.code).toBe('recipient-gone');
    expect(() => messageStanding([])).toThrow(RangeError);
  });
});
