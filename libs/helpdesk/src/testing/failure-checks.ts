import { equal, ok } from 'node:assert/strict';
import { inspect } from 'node:util';
import { type FailureCode, ProviderFailure } from '#normalizer';
import { NOBODY, type Check, type FakeAnswer } from '#transport/testing';
import { DeliveryRefused } from '../core/connector.js';
import { deliveries, messageEvent, secretsOf, withBench, type BenchOptions } from './bench.js';
import type { ConnectorSubject } from './subject.js';

type ConnectorCheck = Check<ConnectorSubject>;

interface Row extends BenchOptions {
  readonly answer?: FakeAnswer;
}

const IMPATIENT = { limits: { answerMs: 1_000, totalMs: 1_500 } };

async function failureOf(subject: ConnectorSubject, row: Row): Promise<unknown> {
  return withBench(subject, row, async ({ systems, context }) => {
    const { answer } = row;
    if (answer) {
      systems[0].answer((request, i) =>
        (subject.isDelivery?.(request) ?? true) ? answer : subject.system(request, i),
      );
    }
    const event = messageEvent(1, 'hello');
    return subject.connector.deliver([event], context(0)).then(
      () => Promise.reject(new Error('it is reported as delivered')),
      (error: unknown) => error,
    );
  });
}

/** A check that a status reaches the retry table as it is. */
function status(code: number): ConnectorCheck {
  return {
    name: `deliver: ${code} is a refusal with that status`,
    async run(subject) {
      const headers = { 'retry-after': '7', location: 'http://127.0.0.1:1/' };
      const error = await failureOf(subject, { answer: { status: code, headers, body: '<html>no</html>' } });
      ok(error instanceof DeliveryRefused, `throws ${String(error)}, no DeliveryRefused`);
      equal(error.status, code);
      if (code === 429 || code === 503) equal(error.retryAfterMs, 7_000, 'Retry-After is not passed on');
    },
  };
}

/** A check that a way of not answering becomes one of the given failures. */
function row(name: string, codes: readonly FailureCode[], make: Row | (() => Promise<Row>)): ConnectorCheck {
  return {
    name,
    async run(subject) {
      const error = await failureOf(subject, typeof make === 'function' ? await make() : make);
      ok(error instanceof ProviderFailure, `throws ${String(error)}, no ProviderFailure`);
      ok(codes.includes(error.code), `${error.code} instead of ${codes.join(' or ')}`);
    },
  };
}

const secrets: ConnectorCheck = {
  name: 'lets no secret into errors, traces or health',
  async run(subject) {
    const hidden = secretsOf(subject, 0).filter(({ length }) => length >= 4);
    const said: string[] = [];
    await withBench(subject, {}, async ({ systems, traces, context }) => {
      for (const code of [200, 400, 401, 404, 429, 500]) {
        const words = hidden.join(' ');
        systems[0].answer(({ headers, body }) => ({
          status: code,
          headers: { 'x-echo': encodeURIComponent(words) },
          body: { error: words, message: words, headers, body: body.toString() },
        }));
        await subject.connector
          .deliver([messageEvent(1, 'hello')], context(0))
          .catch((error: unknown) => said.push(inspect(error, { depth: 8 })));
        const health = await subject.connector.check?.(context(0));
        if (health) said.push(health.detail);
      }
      said.push(JSON.stringify(traces));
    });
    for (const value of hidden) {
      const where = said.find((text) => text.includes(value) || text.includes(encodeURIComponent(value)));
      ok(!where, `a secret is said: ${where?.replaceAll(value, '<secret>').slice(0, 300)}`);
    }
  },
};

const apart: ConnectorCheck = {
  name: 'does not mix two destinations that are served at the same time',
  async run(subject) {
    await withBench(subject, {}, async ({ systems, context }) => {
      const events = [
        messageEvent(1, 'for the first', 'cnv_first'),
        messageEvent(1, 'for the second', 'cnv_second'),
      ] as const;
      await Promise.all(([0, 1] as const).map((which) => subject.connector.deliver([events[which]], context(which))));
      for (const which of [0, 1] as const) {
        const other = which === 0 ? 1 : 0;
        const bytes = JSON.stringify(
          deliveries(subject, systems[which]).map(({ headers, body }) => [headers, body.toString()]),
        );
        ok(bytes.includes(events[which].id), `destination ${which + 1} did not get its event`);
        ok(!bytes.includes(events[other].id), `destination ${which + 1} got the event of the other`);
        ok(
          !secretsOf(subject, other).some((value) => bytes.includes(value)),
          `destination ${which + 1} got a secret of the other`,
        );
        for (const secret of subject.destinations[which].signingSecrets) {
          for (const request of deliveries(subject, systems[which])) {
            ok(subject.isSigned?.(request, secret), `destination ${which + 1} got a signature of the other`);
          }
        }
      }
    });
  },
};

/** What delivering makes of every status, of a network that fails, and of answers that hold secrets. */
export const transportChecks: readonly ConnectorCheck[] = [
  ...[302, 400, 401, 403, 404, 408, 410, 413, 422, 429, 500, 503].map(status),
  row('deliver: a time-out before the write is unavailable', ['unavailable'], {
    base: 'http://unreachable.example',
    http: { ...IMPATIENT, resolve: () => undefined },
  }),
  row('deliver: a time-out after the write is outcome-unknown', ['outcome-unknown'], {
    http: IMPATIENT,
    answer: 'hang',
  }),
  row('deliver: an answer that never ends is outcome-unknown', ['outcome-unknown'], {
    http: IMPATIENT,
    answer: 'drip',
  }),
  row('deliver: a refused connection is unavailable', ['unavailable'], { base: NOBODY }),
  row('deliver: a blocked address is config-invalid', ['config-invalid'], { http: { allow: [] } }),
  row('deliver: a connection reset before the answer is outcome-unknown', ['outcome-unknown'], { answer: 'reset' }),
  row('deliver: a connection reset within the answer is outcome-unknown', ['outcome-unknown'], {
    answer: 'reset-mid-body',
  }),
  secrets,
];

/** What delivering makes of everything that a ticket system and a network can do. */
export const failureChecks: readonly ConnectorCheck[] = [...transportChecks, apart];
