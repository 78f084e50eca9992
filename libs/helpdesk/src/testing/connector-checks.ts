import { equal, notEqual, ok } from 'node:assert/strict';
import { describeSettings, type SettingField } from '#normalizer';
import type { Check } from '#transport/testing';
import { secretsOf } from './bench.js';
import type { ConnectorSubject } from './subject.js';

type ConnectorCheck = Check<ConnectorSubject>;
/** What a check of the declaration alone needs of a subject of either kind. */
type Declared = Pick<ConnectorSubject, 'connector' | 'callbacks'>;

const LOOKS_SECRET = /secret|token|passw|(^|api|access|private)key$/i;

const settings: ConnectorCheck = {
  name: 'describes every setting, marks secrets, has apiBase',
  run: ({ connector }) => settingsOf(connector, 'apiBase'),
};

/** Every setting is described, secrets are marked, and one says where the system is. */
export function settingsOf(connector: ConnectorSubject['connector'], address: string): void {
  const fields = describeSettings(connector.config);
  ok(
    fields.some(({ name }) => name === address),
    `there is no ${address}`,
  );
  const walk = (field: SettingField, path: string): void => {
    ok(field.description.trim().length > 5, `${path} has no description`);
    ok(field.secret || !LOOKS_SECRET.test(field.name), `${path} looks like a secret and is not marked as one`);
    field.fields?.forEach((inner) => walk(inner, `${path}.${inner.name}`));
  };
  fields.forEach((field) => walk(field, field.name));
  for (const bad of [null, [], 'text', 1]) ok(!connector.config.safeParse(bad).success, `takes ${JSON.stringify(bad)}`);
}

const samples: ConnectorCheck = {
  name: 'is given two destinations that share no secret',
  run(subject) {
    const [a, b] = [secretsOf(subject, 0), secretsOf(subject, 1)];
    ok(a.length > 0, 'the sample destinations have no secret');
    for (const value of a) ok(!b.includes(value), 'the sample destinations share a secret');
    notEqual(subject.destinations[0].id, subject.destinations[1].id);
  },
};

const declaration: ConnectorCheck = {
  name: 'declares itself soundly, and has the members that it promises',
  run: declarationOf,
};

/** The connector declares itself soundly, and has the members that it promises. */
export function declarationOf({ connector, callbacks }: Declared): void {
  const { type, title, capabilities: can, callback, poll } = connector;
  ok(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(type), `the type "${type}" is not in kebab-case`);
  ok(title.trim().length > 1, 'there is no title');
  ok(['stream', 'tickets'].includes(can.kind) && Number.isInteger(can.batch) && can.batch > 0 && can.batch <= 1_000);
  ok(can.maxAttachmentBytes >= 0, 'maxAttachmentBytes is negative');
  equal(callback !== undefined, can.replies.includes('callback'), 'capabilities.replies and callback do not agree');
  equal(poll !== undefined, can.replies.includes('poll'), 'capabilities.replies and poll do not agree');
  equal(callback !== undefined, (callbacks ?? []).length > 0, 'the callback and its cases do not agree');
  if (callback)
    ok(callback.maxBytes >= 1_024 && callback.maxBytes <= 16_777_216, 'maxBytes is not between 1 KiB and 16 MiB');
  if (poll) ok(poll.everyMs >= 1_000 && poll.everyMs <= 86_400_000, 'everyMs is not between a second and a day');
}

/** What can be said of a connector without calling it. */
export const connectorChecks: readonly ConnectorCheck[] = [settings, samples, declaration];
