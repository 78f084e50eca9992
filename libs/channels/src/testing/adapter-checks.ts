import { deepStrictEqual, equal, notEqual, ok } from 'node:assert/strict';
import { InboundEvent, describeSettings, type Part, type SettingField } from '#normalizer';
import { secretValues } from '#transport';
import type { Check } from '#transport/testing';
import { Capabilities } from '../core/capabilities.js';
import { configOf, kindOf, unitsOf } from './bench.js';
import type { ChannelSubject } from './subject.js';

type ChannelCheck = Check<ChannelSubject>;

const LOOKS_SECRET = /secret|token|passw|(^|api|access|private|aes)key$/i;

const settings: ChannelCheck = {
  name: 'describes every setting, marks secrets, has apiBase',
  run(subject) {
    const fields = describeSettings(subject.adapter.config);
    ok(fields.length > 0, 'the settings are no object');
    const walk = (field: SettingField, path: string): void => {
      ok(field.description.trim().length > 5, `${path} has no description`);
      ok(field.secret || !LOOKS_SECRET.test(field.name), `${path} looks like a secret and is not marked as one`);
      field.fields?.forEach((inner) => walk(inner, `${path}.${inner.name}`));
    };
    fields.forEach((field) => walk(field, field.name));
    if (!subject.adapter.ingress.hosted && !subject.adapter.ingress.socket)
      ok(
        fields.some(({ name }) => name === 'apiBase'),
        'there is no apiBase',
      );
    for (const bad of [null, [], 'text', 1])
      ok(!subject.adapter.config.safeParse(bad).success, `takes ${JSON.stringify(bad)}`);
  },
};

const samples: ChannelCheck = {
  name: 'is given two accounts that share no secret',
  run(subject) {
    const [a, b] = ([0, 1] as const).map((which) =>
      secretValues(subject.adapter.config, configOf(subject, which, 'https://api.example')),
    );
    ok(a && b);
    if (!subject.adapter.ingress.hosted) ok(a.length > 0, 'the sample accounts have no secret');
    for (const value of a) ok(!b.includes(value), 'the sample accounts share a secret');
    notEqual(subject.accounts[0].id, subject.accounts[1].id);
  },
};

const declaration: ChannelCheck = {
  name: 'declares itself soundly',
  run({ adapter }) {
    ok(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(adapter.type), `the type "${adapter.type}" is not in kebab-case`);
    ok(adapter.title.trim().length > 1, 'there is no title');
    deepStrictEqual(
      Capabilities.parse(adapter.capabilities),
      adapter.capabilities,
      'the capabilities lack their defaults',
    );
    const { webhook, poll, socket, hosted } = adapter.ingress;
    ok(webhook ?? poll ?? socket ?? hosted, 'no message can come in');
    if (webhook) {
      ok(['signature', 'secret-path'].includes(webhook.guard), 'nothing guards the webhook');
      ok(webhook.maxBytes >= 1_024 && webhook.maxBytes <= 16_777_216, 'maxBytes is not between 1 KiB and 16 MiB');
    }
    if (poll) ok(poll.everyMs >= 1_000 && poll.everyMs <= 86_400_000, 'everyMs is not between a second and a day');
  },
};

/** What the settings of an account may narrow. */
const OWN = new Set(['text', 'media', 'rate', 'templates', 'initiate']);
const common = (can: Capabilities) => Object.entries(can).filter(([name]) => !OWN.has(name));

const accounts: ChannelCheck = {
  name: 'lets accounts do nothing that the channel cannot',
  run(subject) {
    const { capabilities: can, capabilitiesOf } = subject.adapter;
    if (!capabilitiesOf) return;
    for (const which of [0, 1] as const) {
      const own = capabilitiesOf(configOf(subject, which, 'https://api.example'));
      deepStrictEqual(Capabilities.parse(own), own, 'the capabilities of an account lack their defaults');
      ok(own.text.max <= can.text.max && own.text.unit === can.text.unit, 'an account takes longer texts');
      for (const [kind, rule] of Object.entries(own.media))
        deepStrictEqual(
          rule,
          can.media[kind as keyof typeof can.media],
          `an account takes other files of the kind ${kind}`,
        );
      deepStrictEqual(
        own.initiate.map((scheme) => scheme.split('/')[0]),
        can.initiate,
        'an account begins with other handles, not with those of one issuer',
      );
      deepStrictEqual(common(own), common(can), 'an account differs in more than its settings may narrow');
    }
  },
};

const members: ChannelCheck = {
  name: 'has the members that its capabilities promise, and no others',
  run(subject) {
    const { adapter } = subject;
    const { capabilities: can, ingress } = adapter;
    if (!ingress.hosted) {
      equal(adapter.typing !== undefined, can.typing, 'capabilities.typing and typing() do not agree');
      equal(adapter.markRead !== undefined, can.markRead, 'capabilities.markRead and markRead() do not agree');
    }
    equal(adapter.send === undefined, ingress.hosted === true, 'send() is missing, or a hosted channel has one');
    const refs = goldenParts(subject).some((part) => part.type === 'media' && part.ref !== undefined);
    equal(adapter.fetchMedia !== undefined, refs, 'fetchMedia() and media parts with a ref do not agree');
  },
};

const inboundAbilities: ChannelCheck = {
  name: 'yields the receipts, edits, deletes, reactions and typing that it declares, and no others',
  run(subject) {
    const { capabilities: can, ingress } = subject.adapter;
    if (ingress.hosted) return;
    const events = goldenEvents(subject);
    ok(
      events.some(({ kind }) => kind === 'message'),
      'no inbound case is a message',
    );
    const receipts = new Set(events.flatMap((event) => (event.kind === 'receipt' ? [event.status] : [])));
    deepStrictEqual(
      [...receipts].sort(),
      [...can.receipts].sort(),
      'the receipts that cases yield are not those declared',
    );
    const kinds = new Set(events.map(({ kind }) => kind));
    const seen = {
      edits: kinds.has('edited'),
      deletes: kinds.has('deleted'),
      reactions: kinds.has('reaction'),
      typing: kinds.has('typing'),
    };
    deepStrictEqual(seen, can.inbound, 'the changes that cases yield are not those declared');
  },
};

const outboundAbilities: ChannelCheck = {
  name: 'sends the kinds of parts and media that it declares, and no others',
  run(subject) {
    const { capabilities: can, ingress } = subject.adapter;
    if (ingress.hosted) return;
    const units = subject.outbound.flatMap(({ message }) => unitsOf(subject, message));
    const sent = new Set(units.flatMap(({ parts }) => parts.map(kindOf)));
    const declared = {
      text: true,
      choices: can.choices.level === 'full',
      html: can.html === 'full',
      location: can.location === 'full',
      'contact-card': can.contactCard === 'full',
      link: can.link === 'full',
      card: can.card === 'full',
      template: can.template === 'full',
      ...Object.fromEntries(Object.keys(can.media).map((kind) => [`media:${kind}`, true])),
    };
    const full = Object.keys(declared).filter((kind) => declared[kind as keyof typeof declared]);
    deepStrictEqual([...sent].sort(), full.sort(), 'the kinds that outbound cases send are not those declared');
    const quotes = units.some(({ replyTo }) => replyTo !== undefined);
    equal(quotes, can.replyTo !== 'dropped', 'capabilities.replyTo and the outbound cases do not agree');
  },
};

const groups: ChannelCheck = {
  name: 'keeps a group apart from the people in it',
  run(subject) {
    const senders = goldenEvents(subject).flatMap((event) => ('sender' in event ? [event.sender] : []));
    const people = new Set(senders.flatMap(({ group, handles }) => (group === undefined ? schemesOf(handles) : [])));
    for (const { group, handles, member } of senders.filter(({ group }) => group !== undefined))
      for (const scheme of schemesOf(handles)) {
        const whose = `the handles of the group "${group}" are of ${scheme}, as those of people are`;
        ok(!people.has(scheme) && member?.scheme !== scheme, `${whose}: they name the group, and \`member\` who wrote`);
      }
  },
};

const schemesOf = (handles: readonly { readonly scheme: string }[]) => handles.map(({ scheme }) => scheme);

function goldenEvents(subject: ChannelSubject): InboundEvent[] {
  const cases = [...subject.inbound, ...(subject.polls ?? []), ...(subject.socketCases ?? [])];
  const golden = cases.flatMap(({ events }) => events ?? []);
  return golden.map((event) => InboundEvent.parse(event));
}

function goldenParts(subject: ChannelSubject): Part[] {
  return goldenEvents(subject).flatMap((event) => ('parts' in event ? (event.parts ?? []) : []));
}

/** What can be said of an adapter without calling it. */
export const adapterChecks: readonly ChannelCheck[] = [
  settings,
  samples,
  declaration,
  accounts,
  members,
  inboundAbilities,
  outboundAbilities,
  groups,
];
