import { deepStrictEqual, equal, ok } from 'node:assert/strict';
import type { Check, LoggedRequest } from '#transport/testing';
import { deliveries, messageEvent, withBench } from './bench.js';
import type { ConnectorSubject } from './subject.js';

type ConnectorCheck = Check<ConnectorSubject>;

const json = ({ body }: LoggedRequest): unknown => JSON.parse(body.toString('utf8'));
const three = [messageEvent(1, 'first 一'), messageEvent(2, 'second 二 👋'), messageEvent(3, 'third 三')];

/** Hands events over in the batches that the connector takes. */
async function deliverAll(
  subject: ConnectorSubject,
  ctx: Parameters<ConnectorSubject['connector']['deliver']>[1],
  events = three,
): Promise<void> {
  const { batch } = subject.connector.capabilities;
  for (let at = 0; at < events.length; at += batch) await subject.connector.deliver(events.slice(at, at + batch), ctx);
}

const golden: ConnectorCheck = {
  name: 'makes the expected requests and receipt of every delivery case',
  async run(subject) {
    ok(subject.deliveries.length > 0, 'there is no delivery case');
    for (const { name, events, requests, system, receipt } of subject.deliveries) {
      await withBench(subject, {}, async ({ systems, context }) => {
        if (system) systems[0].answer(system);
        const given = await subject.connector.deliver(events, context(0));
        deepStrictEqual(deliveries(subject, systems[0]).map(json), requests, name);
        if (receipt) deepStrictEqual(given, receipt, `${name}: the receipt`);
      });
    }
  },
};

const order: ConnectorCheck = {
  name: 'hands events over whole and in order, each named by its id',
  async run(subject) {
    await withBench(subject, {}, async ({ systems, context }) => {
      await deliverAll(subject, context(0));
      const bytes = deliveries(subject, systems[0]).map(
        ({ headers, body }) => `${JSON.stringify(headers)}${body.toString()}`,
      );
      const text = bytes.join('\n');
      const places = three.map(({ data }) => text.indexOf(data?.message?.text ?? ''));
      ok(
        places.every((at) => at >= 0),
        'a text does not arrive whole',
      );
      deepStrictEqual(
        [...places].sort((a, b) => a - b),
        places,
        'the events arrive in another order',
      );
      for (const { id } of three) ok(text.includes(id), `${id} is not named`);
      ok(text.includes('cnv_conformance'), 'the conversation is not named');
    });
  },
};

const repetition: ConnectorCheck = {
  name: 'repeats an event under the same id, so that it can be told',
  async run(subject) {
    await withBench(subject, {}, async ({ systems, context }) => {
      const [event] = three;
      ok(event);
      for (let i = 0; i < 2; i += 1)
        await subject.connector.deliver([event], context(0, { now: () => subject.now + i * 60_000 }));
      const carried = deliveries(subject, systems[0]).map(
        ({ headers, body }) => `${JSON.stringify(headers)}${body.toString()}`,
      );
      if (subject.connector.capabilities.kind === 'stream') equal(carried.length, 2, 'a repetition is not delivered');
      for (const request of carried) ok(request.includes(event.id), 'a repetition does not carry the id');
    });
  },
};

const stops: ConnectorCheck = {
  name: 'does not go past an event that was not taken',
  async run(subject) {
    await withBench(subject, {}, async ({ systems, context }) => {
      systems[0].answer((request, index) => {
        const delivery = subject.isDelivery?.(request) ?? true;
        return delivery ? { status: 500 } : subject.system(request, index);
      });
      const failed = await deliverAll(subject, context(0)).then(
        () => false,
        () => true,
      );
      ok(failed, 'events that were not taken are reported as taken');
      equal(deliveries(subject, systems[0]).length, 1, 'it goes on after a failure, or tries again by itself');
    });
  },
};

const signature: ConnectorCheck = {
  name: 'signs each delivery with every signing secret, and with no other',
  async run(subject) {
    const [{ signingSecrets: own }, { signingSecrets: foreign }] = subject.destinations;
    if (own.length === 0) return;
    const { isSigned } = subject;
    ok(isSigned, 'the destination has signing secrets and the subject no isSigned()');
    await withBench(subject, {}, async ({ systems, context }) => {
      await subject.connector.deliver(three.slice(0, 1), context(0));
      const both = [...own, ...foreign];
      await subject.connector.deliver(three.slice(0, 1), context(0, { signingSecrets: both }));
      const [plain, rotating] = deliveries(subject, systems[0]);
      ok(plain && rotating);
      for (const secret of own) ok(isSigned(plain, secret), 'a delivery is not signed');
      for (const secret of foreign) ok(!isSigned(plain, secret), 'a delivery is signed with a foreign secret');
      for (const secret of both) ok(isSigned(rotating, secret), 'a secret in rotation does not sign');
      ok(!own.some((secret) => isSigned({ ...plain, body: Buffer.concat([plain.body, Buffer.from(' ')]) }, secret)));
    });
  },
};

const health: ConnectorCheck = {
  name: 'check() answers in words, and never throws',
  async run(subject) {
    const { connector } = subject;
    if (!connector.check) return;
    await withBench(subject, {}, async ({ systems, context }) => {
      const good = await connector.check?.(context(0));
      ok(good?.ok, `a well-behaved system is called unhealthy: ${good?.detail}`);
      for (const answer of [{ status: 401 }, { status: 404 }, { status: 302 }, { status: 500 }, 'reset'] as const) {
        systems[0].answer(() => answer);
        const bad = await connector.check?.(context(0));
        ok(bad && !bad.ok && bad.detail.length > 20, `${JSON.stringify(answer)} is called healthy, or in no words`);
      }
    });
  },
};

/** What goes out when the ticket system behaves, or simply refuses. */
export const deliveryChecks: readonly ConnectorCheck[] = [golden, order, repetition, stops, signature, health];
