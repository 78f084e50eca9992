import { beforeEach, describe, expect, it } from '@jest/globals';
import type { InboundEventInput } from '#normalizer';
import { until } from './testing/bench.js';
import { Inbox } from './wechaty.inbox.js';

const eventOf = (id: string): InboundEventInput => ({ kind: 'typing', thread: id, on: true });

let time: number;
let read: string[];
let stored: string[];
let passedOver: number[];
let end: AbortController;
let inbox: Inbox;
beforeEach(() => {
  time = 1;
  read = [];
  stored = [];
  passedOver = [];
  end = new AbortController();
  inbox = new Inbox({
    read: async (id) => (read.push(id), id.startsWith('nobody') ? null : eventOf(id)),
    emit: async ([event]) => (stored.push((event as { thread: string }).thread), []),
    now: () => time,
    signal: end.signal,
    stored: () => undefined,
    passedOver: async (from) => void passedOver.push(from),
    silent: () => undefined,
  });
});

describe('the inbox', () => {
  it('knows up to when everything is stored', async () => {
    inbox.take('a');
    time = 5;
    inbox.take('b');
    expect(inbox.until).toBe(1);
    inbox.admit();
    await inbox.empty();
    expect([inbox.until, stored]).toEqual([5, ['a', 'b']]);
    inbox.missingFrom(3);
    expect(inbox.until).toBe(3);
  });

  it('does not grow without end: what is too much is passed over, and said once', async () => {
    for (let i = 0; i < 10_000; i += 1) inbox.take('nobody');
    time = 7;
    inbox.take('too much');
    time = 9;
    inbox.take('too much');
    inbox.admit();
    await until(() => passedOver.length > 0);
    inbox.take('a');
    await inbox.empty();
    expect([read.length, passedOver, stored, inbox.until]).toEqual([10_001, [7], ['a'], 9]);
  });

  it('leaves what waits when it ends', async () => {
    inbox.take('a');
    end.abort();
    inbox.admit();
    await new Promise((done) => setTimeout(done, 5));
    expect([stored, inbox.until]).toEqual([[], 1]);
  });
});
