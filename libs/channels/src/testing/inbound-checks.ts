import { deepStrictEqual, equal, fail, notDeepStrictEqual, ok } from 'node:assert/strict';
import { type InboundEvent, InvalidInput, parseInbound } from '#normalizer';
import { MalformedRequest, receive, type RawRequest } from '#transport';
import { hostileBodies, isPolluted, type Check } from '#transport/testing';
import { eventsOf, signed, takeIn, verifyContext, webhookOf, withBench } from './bench.js';
import { changedSignatures, withoutSignature } from './signature-carriers.js';
import type { ChannelSubject, InboundCase } from './subject.js';

type ChannelCheck = Check<ChannelSubject>;

const golden: ChannelCheck = {
  name: 'makes the expected events of every inbound case',
  async run(subject) {
    if (subject.adapter.ingress.hosted) return;
    const { inbound, polls = [], socketCases = [] } = subject;
    ok(inbound.length + polls.length + socketCases.length > 0, 'there is no inbound case');
    for (const one of subject.inbound) checkCase(subject, one);
    for (const one of subject.polls ?? []) {
      await withBench(subject, {}, async ({ providers, context }) => {
        providers[0].answer(one.provider);
        const { poll } = subject.adapter.ingress;
        ok(poll, 'there is a poll case and no poll()');
        const { events, cursor } = await poll.poll(one.cursor, context(0));
        deepStrictEqual(
          events.map((event) => parseInbound(event)),
          one.events.map((event) => parseInbound(event)),
          one.name,
        );
        equal(cursor, one.next, `${one.name}: the cursor`);
      });
    }
  },
};

function checkCase(subject: ChannelSubject, one: InboundCase): void {
  const received = takeIn(subject, one.request, verifyContext(subject, 0));
  if (one.challenge) {
    ok(received.kind === 'challenge', `${one.name}: ${received.kind} instead of a challenge`);
    deepStrictEqual(
      { status: received.reply.status, body: received.reply.body },
      { body: undefined, ...one.challenge },
      one.name,
    );
    return;
  }
  if (received.kind !== 'parsed') fail(`${one.name}: ${JSON.stringify(received)}`);
  const { events, reply } = received.parsed;
  deepStrictEqual(
    events.map((event) => parseInbound(event)),
    (one.events ?? []).map((event) => parseInbound(event)),
    one.name,
  );
  const stored = events.map((event, i) => ({
    dedupeKey: 'dedupeKey' in event ? event.dedupeKey : '',
    id: `msg_${i + 1}`,
    duplicate: false,
  }));
  const answer = typeof reply === 'function' ? reply(stored) : (reply ?? { status: 200 });
  ok(answer.status >= 200 && answer.status <= 299, `${one.name}: stored events are answered ${answer.status}`);
  if (one.reply)
    deepStrictEqual({ status: answer.status, body: answer.body }, { body: undefined, ...one.reply }, one.name);
}

/** Runs `requests` past `verify` and fails where one is taken, or where `parse` is called. */
function refuses(subject: ChannelSubject, requests: (genuine: RawRequest) => [string, RawRequest][]): void {
  const webhook = subject.adapter.ingress.webhook;
  if (!webhook) return;
  if (webhook.guard === 'secret-path') return ok(!subject.sign, 'the guard is secret-path, and yet the provider signs');
  ok(subject.sign, 'the guard is signature, and the subject has no sign()');
  const ctx = verifyContext(subject, 0);
  for (const { name, request } of subject.inbound) {
    const genuine = signed(subject, request, ctx);
    for (const [what, forged] of requests(genuine)) {
      let parsed = false;
      const spied = { verify: webhook.verify.bind(webhook), parse: () => ((parsed = true), { events: [] }) };
      const { kind } = receive(spied, forged, ctx);
      ok(kind === 'reject' && !parsed, `${name}: a request with ${what} is taken (${kind})`);
    }
  }
}

const unsigned: ChannelCheck = {
  name: 'rejects what is not signed',
  run: (subject) =>
    refuses(subject, (genuine) => withoutSignature(genuine, signed(subject, genuine, verifyContext(subject, 1)))),
};

const foreign: ChannelCheck = {
  name: 'rejects what another account signed',
  run: (subject) =>
    refuses(subject, (genuine) => [['another signature', signed(subject, genuine, verifyContext(subject, 1))]]),
};

const changedSignature: ChannelCheck = {
  name: 'rejects a signature in which one character is another',
  run: (subject) =>
    refuses(subject, (genuine) => changedSignatures(genuine, signed(subject, genuine, verifyContext(subject, 1)))),
};

const changedBody: ChannelCheck = {
  name: 'rejects a body in which one byte is another',
  run: (subject) =>
    refuses(subject, (genuine) =>
      [0, 0.3, 0.7, 1].flatMap((place): [string, RawRequest][] => {
        if (genuine.body.length === 0) return [];
        const at = Math.min(genuine.body.length - 1, Math.floor(genuine.body.length * place));
        const body = Buffer.from(genuine.body);
        body[at] = (body[at] ?? 0) ^ 1;
        return [[`byte ${at} changed`, { ...genuine, body }]];
      }),
    ),
};

const replay: ChannelCheck = {
  name: 'gives a repeated request the same dedupe keys, an hour later too',
  async run(subject) {
    for (const { name, request, challenge } of subject.inbound) {
      if (challenge) continue;
      const keys = [0, 1, 3_600_000].map((later) =>
        keysOf(eventsOf(subject, request, verifyContext(subject, 0, subject.now + later))),
      );
      deepStrictEqual(keys[1], keys[0], `${name}: a repeat has other keys`);
      deepStrictEqual(keys[2], keys[0], `${name}: a later repeat has other keys`);
      equal(new Set(keys[0]).size, keys[0]?.length, `${name}: two events of one request share a key`);
    }
  },
};

const twins: ChannelCheck = {
  name: 'gives two messages of the same text different dedupe keys',
  run(subject) {
    if (!subject.adapter.ingress.webhook) return;
    ok(subject.twins, 'the subject names no twins');
    const [a, b] = subject.twins.map((request) => keysOf(eventsOf(subject, request, verifyContext(subject, 0))));
    ok(a?.length && b?.length, 'a twin is no message');
    notDeepStrictEqual(a, b, 'two messages are taken for one');
  },
};

const hostile: ChannelCheck = {
  name: 'survives empty, cut, huge, badly encoded, nested and polluting bodies',
  run(subject) {
    if (!subject.adapter.ingress.webhook) return;
    const ctx = verifyContext(subject, 0);
    for (const { name, request } of subject.inbound) {
      for (const { name: what, body } of hostileBodies(request.body, webhookOf(subject).maxBytes)) {
        try {
          const received = takeIn(subject, { ...request, body }, ctx);
          if (received.kind === 'parsed') received.parsed.events.forEach((event) => parseInbound(event));
        } catch (error) {
          const typed = error instanceof MalformedRequest || error instanceof InvalidInput;
          ok(typed, `${name}: a body that is ${what} throws ${String(error)}`);
        }
        ok(!isPolluted(), `${name}: a body that is ${what} wrote to Object.prototype`);
      }
    }
  },
};

function keysOf(events: readonly InboundEvent[]): string[] {
  return events.flatMap((event) => ('dedupeKey' in event ? [event.dedupeKey] : []));
}

/** What comes in: golden events, forgeries, repeats, hostile bodies. */
export const inboundChecks: readonly ChannelCheck[] = [
  golden,
  unsigned,
  foreign,
  changedSignature,
  changedBody,
  replay,
  twins,
  hostile,
];
