import { getEventListeners } from 'node:events';
import { expect, it } from '@jest/globals';
import type { Horizon, PlacedEvent } from '#conversations';
import type { Database } from '#database';
import { EventStream } from './event-stream.js';

it('a reader that waits many times leaves nothing behind on the signal of its request', async () => {
  const { signal } = new AbortController();
  const listeners: number[] = [];
  let ring = (): void => undefined;
  const event = { position: 7, id: 'evt_1', created_at: new Date() } as unknown as PlacedEvent;
  const database = {
    query: async () => {
      listeners.push(getEventListeners(signal, 'abort').length);
      setTimeout(() => ring(), 1);
      return listeners.length < 6 ? [] : [event];
    },
    onHint: (_channel: string, listener: () => void) => {
      ring = listener;
      return () => undefined;
    },
  } as unknown as Database;
  let front = 0;
  const horizon = { safe: async () => ({ outbox: 0, event: (front += 1) }) } as unknown as Horizon;
  const stream = new EventStream(database, horizon, { eventsKeptS: 60 } as never);
  const { rows } = await stream.pull({ after: null, limit: 5, accounts: null, waitMs: 30_000, signal });
  expect(rows).toEqual([event]);
  expect([...listeners, getEventListeners(signal, 'abort').length]).toEqual(Array(7).fill(0));
});

it('a reader that waits when the process stops is answered, and comes back with its place', async () => {
  const database = { query: async () => [], onHint: () => () => undefined } as unknown as Database;
  const horizon = { safe: async () => ({ outbox: 0, event: 7 }) } as unknown as Horizon;
  const stream = new EventStream(database, horizon, { eventsKeptS: 60 } as never);
  const { signal } = new AbortController();
  const pulled = stream.pull({ after: null, limit: 5, accounts: null, waitMs: 3_600_000, signal });
  await new Promise((resolve) => setTimeout(resolve, 20));
  stream.onModuleDestroy();
  expect(await pulled).toEqual({ rows: [], next: { position: 7, at: expect.any(Number) } });
});
