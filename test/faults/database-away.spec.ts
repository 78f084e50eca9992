import { afterAll, afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import {
  describeWithPostgres,
  expectPromisesKept,
  HoldingProxy,
  message,
  setStage,
  stopEverything,
  until,
  type Stage,
} from '../support/index.js';
import { metric } from './metric.js';

jest.setTimeout(120_000);

const POSTS = 600;
const AT_ONCE = 25;
/** What the fault list gives a provider's request while the database is away. */
const PATIENCE_MS = 700;
const RETURN_MS = 5_000;
const MB = 1_048_576;

let stage: Stage;
let proxy: HoldingProxy;

/** The database goes away: where it refuses and where nothing is heard of it. */
const WAYS = [
  ['refuses', () => proxy.away()],
  ['is silent', async () => proxy.silence()],
] as const;

describeWithPostgres('while the database', (postgres) => {
  beforeEach(async () => {
    proxy = await new HoldingProxy(await postgres.database()).start();
    stage = await setStage({ databaseUrl: proxy.url });
  });
  afterEach(async () => {
    await stage.close();
    await proxy.away();
  });
  afterAll(stopEverything);

  it.each(WAYS)('%s, intake says so in time, holds nothing in memory, and works again soon', async (_how, leave) => {
    const { gateway } = stage;
    for (let n = 0; n < 100; n += 1) await stage.write({ id: `before-${n}`, thread: `room-${n % 10}` });
    const before = await metric(gateway, 'process_resident_memory_bytes');
    const said = gateway.logs.length;
    await leave();

    const waits: number[] = [];
    const statuses = new Set<string>();
    let posted = 0;
    const post = async (): Promise<void> => {
      while (posted < POSTS) {
        const id = `during-${(posted += 1)}`;
        const began = performance.now();
        const { status, headers } = await stage.poster.post(message({ id, thread: 'room-0' }));
        waits.push(performance.now() - began);
        statuses.add(`${status} ${headers.get('retry-after')}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, post));
    expect([...statuses]).toEqual([expect.stringMatching(/^503 \d+$/)]);
    waits.sort((a, b) => a - b);
    expect(waits[Math.floor(POSTS * 0.9)]).toBeLessThan(PATIENCE_MS);
    expect(await metric(gateway, 'process_resident_memory_bytes')).toBeLessThan(before + 48 * MB);
    expect(gateway.logs.slice(said).split('\n').length).toBeLessThan(100);

    await proxy.away();
    await proxy.start();
    await until('intake to work', () => stage.write({ id: 'after', thread: 'room-0' }), RETURN_MS);
    await expectPromisesKept(stage);
    expect(gateway.logs).not.toMatch(/nobody listened|caught nowhere/);
  });
});
