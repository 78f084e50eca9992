import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type Pool } from 'pg';
import { describeOnEmbedded } from '../testing/index.js';
import { Maintenance } from './maintenance.js';

const MEBIBYTE = 1024 * 1024;

describe('when the embedded database is maintained', () => {
  const ran: string[] = [];
  let position = 0;
  let maintenance: Maintenance;

  const answer = async ({ text }: { text: string }): Promise<{ rows: unknown[] }> => {
    if (text.includes('as position')) return { rows: [{ position }] };
    if (text.includes('pg_class')) return { rows: [{ name: 'public.message' }] };
    ran.push(text);
    return { rows: [] };
  };

  beforeEach(() => {
    jest.useFakeTimers();
    ran.length = 0;
    position = MEBIBYTE;
    const pool = { connect: async () => ({ query: answer, release: () => undefined }) };
    maintenance = new Maintenance(pool as unknown as Pool, () => undefined);
  });

  afterEach(async () => {
    await maintenance.stop();
    jest.useRealTimers();
  });

  it('every few minutes while something is written, and not while nothing is', async () => {
    await jest.advanceTimersByTimeAsync(6 * 60_000);
    expect(ran).toEqual(['vacuum (analyze) public.message', 'checkpoint']);
    await jest.advanceTimersByTimeAsync(60 * 60_000);
    expect(ran).toHaveLength(2);
    position += 1;
    await jest.advanceTimersByTimeAsync(60_000);
    expect(ran).toHaveLength(4);
  });

  it('by a checkpoint soon after much was written', async () => {
    position = 100 * MEBIBYTE;
    await jest.advanceTimersByTimeAsync(60_000);
    expect(ran).toEqual(['checkpoint']);
  });

  it('never again once it is stopped', async () => {
    await maintenance.stop();
    await jest.advanceTimersByTimeAsync(60 * 60_000);
    expect(ran).toEqual([]);
  });
});

describeOnEmbedded('maintaining', (open) => {
  it('gives back the room of what was deleted', async () => {
    const database = await open({ entities: [], migrations: [] });
    const size = async (): Promise<unknown> =>
      (await database.query(`select pg_relation_size('crowd') as bytes`))[0]?.['bytes'];
    await database.query('create table crowd as select n, md5(n::text) from generate_series(1, 5000) as n');
    await database.query('delete from crowd');
    expect(await size()).toBeGreaterThan(0);
    await database.maintain();
    expect(await size()).toBe(0);
  });
});
