import { deepStrictEqual, equal, notEqual, ok } from 'node:assert/strict';
import { ProviderFailure, type StreamEvent } from '#normalizer';
import type { Check } from '#transport/testing';
import { messageEvent } from './bench.js';
import { comesTrue, persist, withSinks } from './sink-bench.js';
import type { SinkSubject, Taken } from './sink-subject.js';

export type SinkCheck = Check<SinkSubject>;

export const three = [messageEvent(1, 'first 一'), messageEvent(2, 'second 二 👋'), messageEvent(3, 'third 三')];

/** The ids of one key as a reader sees them who ignores repeats. */
export function firstArrivals(taken: readonly Taken[], key: string): string[] {
  return [...new Set(taken.filter((one) => one.key === key).map(({ id }) => id))];
}

const ids = (events: readonly StreamEvent[]): string[] => events.map(({ id }) => id);

const whole: SinkCheck = {
  name: 'hands events over whole and in order, keyed by the conversation and named by their ids',
  run: (subject) =>
    withSinks(subject, {}, async ({ sinks, context }) => {
      const erased = { ...messageEvent(4, 'gone'), data: null };
      await persist(subject, () => context(0), [...three, erased]);
      const taken = await sinks[0].taken();
      const ofKey = taken.filter(({ key }) => key === 'cnv_conformance');
      deepStrictEqual(ofKey.map(({ body }) => body), three); // prettier-ignore
      deepStrictEqual(ofKey.map(({ id }) => id), ids(three)); // prettier-ignore
      deepStrictEqual(taken.filter(({ id }) => id === erased.id).map(({ body }) => body), [erased]); // prettier-ignore
      ok(taken.every(({ replay }) => !replay), 'what is no replay is marked as one'); // prettier-ignore
    }),
};

const keys: SinkCheck = {
  name: 'keys what has no conversation by its contact or account',
  run: (subject) =>
    withSinks(subject, {}, async ({ sinks, context }) => {
      const { contact, account } = messageEvent(1, 'hello').data ?? {};
      const events = [
        { ...messageEvent(1, '', 'cnv_a'), type: 'contact.updated', data: { contact, account } },
        { ...messageEvent(1, '', 'cnv_b'), type: 'account.degraded', data: { account } },
      ] as const satisfies StreamEvent[];
      for (const event of events) await subject.connector.deliver([event], context(0));
      const taken = await sinks[0].taken();
      deepStrictEqual(events.map(({ id }) => taken.find((one) => one.id === id)?.key), [contact?.id, account?.id]); // prettier-ignore
    }),
};

const repetition: SinkCheck = {
  name: 'repeats an event under the same id; a replay arrives although it is a repeat, and is marked',
  run: (subject) =>
    withSinks(subject, {}, async ({ sinks, context }) => {
      const one = three.slice(0, 1);
      for (let i = 0; i < 2; i += 1) await subject.connector.deliver(one, context(0));
      const repeated = await sinks[0].taken();
      ok(repeated.length > 0 && repeated.every(({ id }) => id === one[0]?.id), 'a repetition does not carry the id');
      await subject.connector.deliver(one, context(0, { replay: true }));
      const replayed = (await sinks[0].taken()).slice(repeated.length);
      deepStrictEqual(replayed.map(({ id, replay }) => [id, replay]), [[one[0]?.id, true]]); // prettier-ignore
    }),
};

const lanes: SinkCheck = {
  name: 'serves many conversations at the same time over few connections, each in order, nothing lost',
  run: (subject) =>
    withSinks(subject, {}, async ({ sinks, gates, context }) => {
      const conversations = Array.from({ length: 24 }, (_, i) => `cnv_lane${i}`);
      const eventsOf = (key: string) => Array.from({ length: 7 }, (_, i) => messageEvent(i + 1, `${key} ${i}`, key));
      await Promise.all(conversations.map((key) => persist(subject, () => context(0), eventsOf(key))));
      const taken = await sinks[0].taken();
      for (const key of conversations) deepStrictEqual(firstArrivals(taken, key), ids(eventsOf(key)));
      ok(gates[0].opened <= 3, `${gates[0].opened} connections were opened`);
    }),
};

const order: SinkCheck = {
  name: 'lets no event be first before an earlier one of its conversation, whatever fails in between',
  run: (subject) =>
    withSinks(subject, {}, async ({ sinks, gates, context }) => {
      const events = Array.from({ length: 12 }, (_, i) => messageEvent(i + 1, `${i}`));
      await subject.connector.deliver(events.slice(0, 1), context(0));
      for (const mode of ['mute', 'reset', 'shut'] as const) {
        gates[0].set(mode);
        const failed = await subject.connector.deliver(events, context(0)).then(
          () => false,
          () => true,
        );
        ok(failed, `events are reported as taken although the network is ${mode}`);
      }
      gates[0].set('open');
      await persist(subject, () => context(0), events);
      deepStrictEqual(firstArrivals(await sinks[0].taken(), 'cnv_conformance'), ids(events));
    }),
};

const stops: SinkCheck = {
  name: 'does not go past an event that the system refuses',
  async run(subject) {
    const { unwelcome } = subject;
    if (!unwelcome) return;
    await withSinks(subject, {}, async ({ sinks, context }) => {
      const later = messageEvent(9, 'later');
      const [first] = three;
      ok(first);
      const given = await subject.connector.deliver([first, unwelcome, later], context(0)).then(() => null, (error: unknown) => error); // prettier-ignore
      ok(given instanceof ProviderFailure && given.code === 'content-refused', `it is not refused: ${String(given)}`);
      const taken = await sinks[0].taken();
      ok(!taken.some(({ id }) => id === later.id), 'a later event of the conversation is in the stream');
    });
  },
};

const outage = (wipe: boolean): SinkCheck => ({
  name: `loses nothing when the system goes away${wipe ? ', forgets everything' : ''} and comes back, and goes on by itself`,
  run: (subject) =>
    withSinks(subject, {}, async ({ sinks, context }) => {
      const [first, ...rest] = Array.from({ length: 40 }, (_, i) => messageEvent(i + 1, `${i}`));
      ok(first);
      await subject.connector.deliver([first], context(0));
      const [sink] = sinks;
      await sink.stop(wipe);
      const before = await subject.connector.deliver(rest.slice(0, 1), context(0)).then(() => [], (error: unknown) => [error]); // prettier-ignore
      equal(before.length, 1, 'an event is reported as taken by a system that is not there');
      const delivering = persist(subject, () => context(0), rest);
      await sink.start();
      await delivering;
      deepStrictEqual(firstArrivals(await sink.taken(), 'cnv_conformance').filter((id) => id !== first.id), ids(rest)); // prettier-ignore
    }),
});

const reconnects: SinkCheck = {
  name: 'opens a connection anew that was lost while idle, and closes what it holds at the end',
  run: (subject) =>
    withSinks(subject, {}, async ({ sinks, gates, holdings, context }) => {
      await persist(subject, () => context(0), three.slice(0, 1));
      const { opened } = gates[0];
      gates[0].cut();
      // Time for the news to reach the client: a delivery that begins later must not suffer from it.
      await new Promise((resolve) => setTimeout(resolve, 300));
      await subject.connector.deliver(three.slice(1), context(0));
      ok(gates[0].opened > opened, 'no new connection was opened');
      deepStrictEqual(firstArrivals(await sinks[0].taken(), 'cnv_conformance'), ids(three));
      await holdings.close();
      await comesTrue(() => gates[0].standing === 0, 'every connection is closed');
    }),
};

const silence: SinkCheck = {
  name: 'uses no connection again on which an answer is missing',
  run: (subject) =>
    withSinks(subject, {}, async ({ sinks, gates, context }) => {
      await subject.connector.deliver(three.slice(0, 1), context(0));
      const { opened } = gates[0];
      gates[0].set('mute');
      await subject.connector.deliver(three.slice(1, 2), context(0)).then(() => ok(false, 'it is confirmed'), () => undefined); // prettier-ignore
      gates[0].set('open');
      await subject.connector.deliver(three.slice(1), context(0));
      ok(gates[0].opened > opened, 'the connection is used again');
      deepStrictEqual(firstArrivals(await sinks[0].taken(), 'cnv_conformance'), ids(three));
    }),
};

const closing: SinkCheck = {
  name: 'what is under way when the settings change is confirmed or fails, and nothing hangs',
  run: (subject) =>
    withSinks(subject, {}, async ({ sinks, holdings, context }) => {
      await subject.connector.deliver(three.slice(0, 1), context(0));
      const events = Array.from({ length: 8 }, (_, i) => messageEvent(1, `${i}`, `cnv_closing${i}`));
      const ctx = context(0);
      const outcomes = Promise.allSettled(events.map((event) => subject.connector.deliver([event], ctx)));
      await holdings.close();
      const confirmed = (await outcomes).flatMap(({ status }, i) => (status === 'fulfilled' ? [events[i]?.id] : []));
      const taken = new Set((await sinks[0].taken()).map(({ id }) => id));
      deepStrictEqual(confirmed.filter((id) => !taken.has(id ?? '')), []); // prettier-ignore
    }),
};

const apart: SinkCheck = {
  name: 'does not mix two destinations that are served at the same time',
  run: (subject) =>
    withSinks(subject, {}, async ({ sinks, context }) => {
      const events = [messageEvent(1, 'for one', 'cnv_one'), messageEvent(1, 'for two', 'cnv_two')] as const;
      await Promise.all(([0, 1] as const).map((which) => subject.connector.deliver([events[which]], context(which))));
      for (const which of [0, 1] as const)
        deepStrictEqual((await sinks[which].taken()).map(({ id }) => id), [events[which].id]); // prettier-ignore
      notEqual(subject.destinations[0].id, subject.destinations[1].id);
    }),
};

/** What has to hold of a connector to a sink that behaves, and of one that goes away and comes back. */
export const sinkChecks: readonly SinkCheck[] = [
  whole,
  keys,
  repetition,
  lanes,
  order,
  stops,
  outage(false),
  outage(true),
  reconnects,
  silence,
  closing,
  apart,
];
