import { beforeAll, expect, it } from '@jest/globals';
import type { Database, Sql } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { STORE } from '../testing/store.js';
import { readEvents } from './events.js';

describeOnEveryDatabase('reading the stream', (open) => {
  let database: Database;
  beforeAll(async () => {
    database = await open(STORE);
    for (const [position, type] of [
      [1, 'rare'],
      [2, 'common'],
      [120_000, 'common'],
      [160_000, 'rare'],
      [160_001, 'rare'],
    ] as const)
      await database.query(
        `insert into event (position, id, type, created_at) overriding system value values ($1, 'evt_' || $1::bigint, $2, now())`,
        [position, type],
      );
  });

  /** What is read, and how many positions each statement looked through. */
  async function read(limit: number, signal?: AbortSignal): Promise<{ positions: number[]; spans: number[] }> {
    const spans: number[] = [];
    const watched: Sql = {
      query: (statement, values) => {
        spans.push(Number(values![1]) - Number(values![0]));
        return database.query(statement, values);
      },
    };
    const range = { after: 0, upTo: 200_000, types: ['rare'], limit, accounts: null, ...(signal && { signal }) };
    return { positions: (await readEvents(watched, range)).map(({ position }) => Number(position)), spans };
  }

  it('finds what is rare in many short looks, in order, up to the limit', async () => {
    const all = await read(10);
    expect(all.positions).toEqual([1, 160_000, 160_001]);
    expect(Math.max(...all.spans)).toBeLessThanOrEqual(50_000);
    expect(all.spans.reduce((sum, span) => sum + span)).toBe(200_000);
    expect((await read(2)).positions).toEqual([1, 160_000]);
    expect((await read(1)).spans).toHaveLength(1);
  });

  it('ends with its reader', async () => {
    expect(await read(10, AbortSignal.abort())).toEqual({ positions: [], spans: [] });
  });
});
