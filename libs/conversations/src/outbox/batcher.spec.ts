import { describe, expect, it } from '@jest/globals';
import { Batcher } from './batcher.js';

describe('a batcher', () => {
  it('folds calls that come together, one batch at a time, in order', async () => {
    const batches: number[][] = [];
    let flying = 0;
    const batcher = new Batcher<number, number>({
      work: async (asked) => {
        expect((flying += 1)).toBe(1);
        batches.push([...asked]);
        await new Promise((resolve) => setTimeout(resolve, 1));
        flying -= 1;
        return asked.map((n) => n * 2);
      },
      onError: () => 'split',
      max: 4,
    });
    expect(await Promise.all([1, 2, 3, 4, 5].map((n) => batcher.add(n)))).toEqual([2, 4, 6, 8, 10]);
    expect(batches).toEqual([[1, 2, 3, 4], [5]]);
    expect(await batcher.add(6)).toBe(12);
    await batcher.idle();
  });

  it('finds the one that fails, and does the others', async () => {
    const batcher = new Batcher<number, number>({
      work: async (asked) => {
        if (asked.includes(3)) throw new Error('three');
        return [...asked];
      },
      onError: () => 'split',
    });
    const answers = await Promise.allSettled([1, 2, 3, 4].map((n) => batcher.add(n)));
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  });

  it('tries the same batch again while the moment is to blame, until it is told to end', async () => {
    let left = 3;
    const ending = new AbortController();
    const batcher = new Batcher<number, number>({
      work: async (asked) => {
        if ((left -= 1) >= 0) throw new Error('away');
        return [...asked];
      },
      onError: () => 'again',
      retryMs: 1,
      signal: ending.signal,
    });
    expect(await batcher.add(1)).toBe(1);
    left = Infinity;
    const waiting = batcher.add(2);
    ending.abort();
    await expect(waiting).rejects.toThrow('away');
  });

  it('lets patient calls gather, and goes at once where one is not', async () => {
    const batches: number[][] = [];
    const batcher = new Batcher<number, number>({
      work: (asked) => {
        batches.push([...asked]);
        return Promise.resolve([...asked]);
      },
      onError: () => 'split',
      gatherMs: 3_600_000,
    });
    const patient = [1, 2].map((n) => batcher.add(n, true));
    await new Promise((resolve) => setTimeout(resolve, 5));
    const late = batcher.add(3, true);
    expect(batches).toEqual([]);
    await Promise.all([...patient, late, batcher.add(4)]);
    expect(batches).toEqual([[1, 2, 3, 4]]);
    const last = batcher.add(5, true);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await batcher.idle();
    expect(await last).toBe(5);
  });

  it('sends patient calls off when their time is over', async () => {
    const work = (asked: readonly number[]) => Promise.resolve([...asked]);
    const batcher = new Batcher<number, number>({ work, onError: () => 'split', gatherMs: 1 });
    expect(await Promise.all([batcher.add(1, true), batcher.add(2, true)])).toEqual([1, 2]);
  });
});
