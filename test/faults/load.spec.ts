import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import {
  describeWithPostgres,
  expectPromisesKept,
  message,
  setStage,
  stopEverything,
  until,
  type Stage,
} from '../support/index.js';
import { metric } from './metric.js';

jest.setTimeout(120_000);

/** A sixteenth of the burst of the fault list, as fast as this machine can post it; drained within the list's two minutes. */
const BURST = 3_000;
const CONNECTIONS = 128;
const ROOMS = 400;
const DRAIN_MS = 120_000;
const MB = 1_048_576;

let stage: Stage;

/** Posts as fast as it is taken, and again what was refused, as providers do. */
async function burst(name: string, count: number): Promise<void> {
  let next = 0;
  const post = async (): Promise<void> => {
    while (next < count) {
      const n = (next += 1);
      const payload = message({ id: `${name}-${n}`, thread: `room-${n % ROOMS}` });
      const taken = await until('it to be taken', async () => {
        const answer = await stage.poster.post(payload);
        if (answer.status !== 200)
          expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, expect.any(String)]);
        return answer.id;
      });
      stage.acknowledged.set(`${name}-${n}`, taken);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, post));
}

const drained = () =>
  until(
    'everything to be delivered',
    async () => (await metric(stage.gateway, 'tributary_outbox_depth')) === 0,
    DRAIN_MS,
  );

describeWithPostgres('a gateway under load', (postgres) => {
  beforeAll(async () => {
    stage = await setStage({ databaseUrl: await postgres.database() });
  });
  afterAll(async () => {
    await stage.close();
    await stopEverything();
  });

  it('takes a burst, delivers it whole and in order, and holds no more memory after the third than after the second', async () => {
    const memory: number[] = [];
    for (const name of ['first', 'second', 'third']) {
      await burst(name, BURST / 3);
      await drained();
      memory.push(await metric(stage.gateway, 'process_resident_memory_bytes'));
    }
    expect(stage.acknowledged.size).toBe(BURST);
    expect(memory[2]).toBeLessThan(memory[1]! * 1.1 + 16 * MB);
    expect(await metric(stage.gateway, 'tributary_request_bytes')).toBe(0);
    await expectPromisesKept(stage);
  });
});
