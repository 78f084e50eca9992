import { describe, expect, it } from '@jest/globals';
import { isNews, sweepBegins, sweepFrom, sweepOn } from './sweep.js';

const at = (minute: number) => `2026-11-21T09:${String(minute).padStart(2, '0')}:00Z`;

describe('a sweep', () => {
  it('goes through full pages without losing what was done to a ticket before its last change', () => {
    const begun = sweepFrom(sweepBegins(Date.parse(at(0))))!;
    const first = sweepOn(begun, { changed: [at(5), at(20)], size: 2, told: ['a'] });
    expect(first.more).toBe(true);
    const second = sweepFrom(first.cursor)!;
    expect(second.since).toBe(at(20));
    const answer = { id: 'b', at: at(10) };
    expect([isNews(second, answer), isNews(second, { ...answer, id: 'a' })]).toEqual([true, false]);
    const third = sweepFrom(sweepOn(second, { changed: [at(20), at(30)], size: 2, told: ['b'] }).cursor)!;
    expect(isNews(third, { id: 'c', at: at(1) })).toBe(true);
    const over = sweepOn(third, { changed: [at(40)], size: 2, told: [] });
    expect(over.more).toBeUndefined();
    const next = sweepFrom(over.cursor)!;
    expect(next.since).toBe(at(39));
    expect([isNews(next, { id: 'd', at: at(38) }), isNews(next, { id: 'd', at: at(39) })]).toEqual([false, true]);
  });
});
