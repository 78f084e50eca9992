import { deepStrictEqual, equal, ok } from 'node:assert/strict';
import { MalformedRequest, receive, type RawRequest, type Received } from '#transport';
import { hostileBodies, isPolluted, type Check } from '#transport/testing';
import type { ParsedCallback } from '../core/connector.js';
import { verifyContext } from './bench.js';
import type { CallbackCase, ConnectorSubject } from './subject.js';

type ConnectorCheck = Check<ConnectorSubject>;

/** Does something with every callback case; nothing where the connector has no callback. */
function each(name: string, check: (subject: ConnectorSubject, one: CallbackCase) => void): ConnectorCheck {
  return {
    name,
    run(subject) {
      if (!subject.connector.callback) return;
      ok(subject.sign, 'there is a callback, and the subject has no sign()');
      for (const one of subject.callbacks ?? []) check(subject, one);
    },
  };
}

function signed(subject: ConnectorSubject, request: RawRequest, which: 0 | 1 = 0): RawRequest {
  return subject.sign ? subject.sign(request, verifyContext(subject, which)) : request;
}

function takeIn(subject: ConnectorSubject, request: RawRequest): Received<ParsedCallback> {
  const { callback } = subject.connector;
  ok(callback);
  return receive(callback, request, verifyContext(subject, 0));
}

function refuse(subject: ConnectorSubject, request: RawRequest, what: string): void {
  const { callback } = subject.connector;
  ok(callback);
  let parsed = false;
  const spied = { verify: callback.verify.bind(callback), parse: () => ((parsed = true), { actions: [] }) };
  const { kind } = receive(spied, request, verifyContext(subject, 0));
  ok(kind === 'reject' && !parsed, `${what} is taken (${kind})`);
}

/** What comes back: golden actions, forgeries, repeats, hostile bodies. */
export const callbackChecks: readonly ConnectorCheck[] = [
  each(
    'callback: makes the expected actions of every case, and the same of a repeat',
    (subject, { name, request, actions }) => {
      for (let i = 0; i < 2; i += 1) {
        const received = takeIn(subject, signed(subject, request));
        ok(received.kind === 'parsed', `${name}: ${JSON.stringify(received)}`);
        deepStrictEqual(received.parsed.actions, actions, name);
      }
      equal(
        new Set(actions.map(({ dedupeKey }) => dedupeKey)).size,
        actions.length,
        `${name}: two actions share a key`,
      );
    },
  ),
  each('callback: rejects what is not signed, or by another destination', (subject, { name, request }) => {
    refuse(subject, request, `${name}: an unsigned request`);
    refuse(subject, signed(subject, request, 1), `${name}: a foreign signature`);
  }),
  each('callback: rejects a body in which one byte is another', (subject, { name, request }) => {
    const genuine = signed(subject, request);
    for (const at of [0, genuine.body.length >> 1, genuine.body.length - 1]) {
      const body = Buffer.from(genuine.body);
      body[at] = (body[at] ?? 0) ^ 1;
      refuse(subject, { ...genuine, body }, `${name}: byte ${at} changed`);
    }
  }),
  each('callback: survives hostile bodies', (subject, { name, request }) => {
    for (const { name: what, body } of hostileBodies(request.body, subject.connector.callback?.maxBytes ?? 0)) {
      try {
        takeIn(subject, signed(subject, { ...request, body }));
      } catch (error) {
        ok(error instanceof MalformedRequest, `${name}: a body that is ${what} throws ${String(error)}`);
      }
      ok(!isPolluted(), `${name}: a body that is ${what} wrote to Object.prototype`);
    }
  }),
];
