import { equal, ok } from 'node:assert/strict';
import { ProviderFailure, type FailureCode } from '#normalizer';
import type { GuardedHttpOptions } from '#transport';
import { NOBODY, type Check, type FakeAnswer, type LoggedRequest, type Responder } from '#transport/testing';
import { sendOf, sends, textUnit, withBench } from './bench.js';
import type { ChannelSubject } from './subject.js';

type ChannelCheck = Check<ChannelSubject>;
type Outcome = { readonly failure: unknown } | { readonly externalIds: readonly string[] };

interface Row {
  readonly http?: GuardedHttpOptions;
  readonly base?: string;
  readonly answer?: FakeAnswer;
}

/** What the suite's clock is for time-outs: long enough for any answer on loopback, short enough to wait for. */
const IMPATIENT = { limits: { answerMs: 1_000, totalMs: 1_500 } };
const FINAL: readonly FailureCode[] = [
  'content-refused',
  'recipient-gone',
  'window-closed',
  'opted-out',
  'config-invalid',
];

/** Answers the request that hands the message over with `answer`, and all others as the provider does. */
export function answering(subject: ChannelSubject, answer: FakeAnswer): Responder {
  return (request, index) => ((subject.isSend?.(request) ?? true) ? answer : subject.provider(request, index));
}

/** Sends one short text against a row. */
export async function attempt(subject: ChannelSubject, row: Row): Promise<Outcome & { requests: number }> {
  return withBench(subject, row, async ({ providers, context }) => {
    if (row.answer) providers[0].answer(answering(subject, row.answer));
    const outcome = await sendOf(subject)(textUnit(subject, 'hello'), context(0)).then(
      ({ externalIds }): Outcome => ({ externalIds }),
      (failure: unknown): Outcome => ({ failure }),
    );
    return { ...outcome, requests: sends(subject, providers[0]).length };
  });
}

function expectFailure(outcome: Outcome, codes: readonly FailureCode[], what: string): ProviderFailure {
  if (!('failure' in outcome)) throw new Error(`${what}: reported as sent (${outcome.externalIds.join()})`);
  const { failure } = outcome;
  if (!(failure instanceof ProviderFailure)) throw new Error(`${what}: throws ${String(failure)}, no ProviderFailure`);
  ok(codes.includes(failure.code), `${what}: ${failure.code} instead of ${codes.join(' or ')}`);
  ok(failure.message.trim().length > 0, `${what}: the failure says nothing`);
  return failure;
}

/** A check that one answer, or one way of not answering, becomes one of the given failures. */
function row(name: string, codes: readonly FailureCode[], make: Row | (() => Promise<Row>)): ChannelCheck {
  return {
    name,
    async run(subject) {
      if (subject.adapter.ingress.hosted) return;
      expectFailure(await attempt(subject, typeof make === 'function' ? await make() : make), codes, name);
    },
  };
}

const success: ChannelCheck = {
  name: 'send: 200 is sent, with the ids that the provider gave',
  async run(subject) {
    if (subject.adapter.ingress.hosted) return;
    const outcome = await attempt(subject, {});
    ok('externalIds' in outcome, `a well-behaved provider: ${String('failure' in outcome && outcome.failure)}`);
    ok(outcome.externalIds.length > 0 && outcome.externalIds.every((id) => id.length > 0), 'there is no external id');
  },
};

const refusals: ChannelCheck = {
  name: 'send: 200 with an error body is the failure that it says',
  async run(subject) {
    if (subject.adapter.ingress.hosted) return;
    ok(
      subject.refusals.length > 0,
      '`refusals` is empty: name the errors that come with a 200, or waive this check, with the reason that there are none',
    );
    for (const { name, answer, code } of subject.refusals)
      expectFailure(await attempt(subject, { answer }), [code], name);
  },
};

const throttled: ChannelCheck = {
  name: 'send: 429 is throttled, for as long as Retry-After says',
  async run(subject) {
    if (subject.adapter.ingress.hosted) return;
    const answer = { status: 429, headers: { 'retry-after': '7' } };
    const failure = expectFailure(await attempt(subject, { answer }), ['throttled'], '429');
    equal(failure.retryAfterMs, 7_000, 'Retry-After is not passed on');
  },
};

const broken: ChannelCheck = {
  name: 'send: 5xx is unavailable, or of unknown outcome where nothing keeps it from being sent twice',
  async run(subject) {
    if (subject.adapter.ingress.hosted) return;
    const { idempotentSend } = subject.adapter.capabilities;
    const codes: FailureCode[] = idempotentSend ? ['unavailable'] : ['unavailable', 'outcome-unknown'];
    for (const status of [500, 502, 503, 504]) {
      const answer = { status, body: '<html>Bad gateway</html>' };
      expectFailure(await attempt(subject, { answer }), codes, String(status));
    }
  },
};

const once: ChannelCheck = {
  name: 'send: does not try again by itself',
  async run(subject) {
    if (subject.adapter.ingress.hosted) return;
    const most = (await attempt(subject, {})).requests;
    for (const status of [401, 429, 500, 503]) {
      const { requests } = await attempt(subject, { answer: { status } });
      ok(requests <= most, `${requests} requests after a ${status}; a success takes ${most}`);
    }
  },
};

const idempotent: ChannelCheck = {
  name: 'send: carries the idempotency key on every attempt where it declares that the provider takes one',
  async run(subject) {
    if (subject.adapter.ingress.hosted) return;
    await withBench(subject, {}, async ({ providers, context }) => {
      if (!subject.adapter.capabilities.idempotentSend) return;
      const unit = textUnit(subject, 'hello');
      for (const key of ['unt_idempotency4711', 'unt_idempotency4711', 'unt_idempotency0815'])
        await sendOf(subject)({ ...unit, idempotencyKey: key, id: key }, context(0));
      const [first, again, other] = sends(subject, providers[0]).map(wordsOf);
      const carried = [...(first ?? [])].some((word) => again?.has(word) && !other?.has(word));
      ok(carried, 'nothing in both attempts stands for the key: the same for the same key, another for another');
    });
  },
};

/** The words of a request: a key may travel in another form, such as the UUID that a provider demands. */
function wordsOf({ headers, body, path, query }: LoggedRequest): Set<string> {
  return new Set(JSON.stringify([headers, body.toString(), path, [...query]]).split(/[^\w-]+/));
}

/** What sending makes of everything that a provider and a network can do. */
export const sendChecks: readonly ChannelCheck[] = [
  success,
  refusals,
  row('send: 400 is final', FINAL, { answer: { status: 400, body: { error: 'bad request' } } }),
  row('send: 401 is unauthorized', ['unauthorized'], { answer: { status: 401 } }),
  row('send: 403 is unauthorized or final', ['unauthorized', ...FINAL], { answer: { status: 403 } }),
  throttled,
  broken,
  row('send: a time-out before the write is unavailable', ['unavailable'], {
    base: 'http://unreachable.example',
    http: { ...IMPATIENT, resolve: () => undefined },
  }),
  row('send: a time-out after the write is outcome-unknown', ['outcome-unknown'], { http: IMPATIENT, answer: 'hang' }),
  row('send: a refused connection is unavailable', ['unavailable'], { base: NOBODY }),
  row('send: a connection reset before the answer is outcome-unknown', ['outcome-unknown'], { answer: 'reset' }),
  row('send: a connection reset within the answer is outcome-unknown', ['outcome-unknown'], {
    answer: 'reset-mid-body',
  }),
  row('send: an unreadable answer is reply-unreadable', ['reply-unreadable'], {
    answer: { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Welcome</html>' },
  }),
  once,
  idempotent,
];
