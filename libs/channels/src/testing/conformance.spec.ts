import { createHash, randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { ProviderFailure } from '#normalizer';
import { jsonBody } from '#transport';
import { rawRequest, runCheck, type Check } from '#transport/testing';
import type { ChannelAdapter } from '../core/adapter.js';
import { Capabilities } from '../core/capabilities.js';
import {
  can,
  compliant,
  fakeSubject,
  fakeWebhook,
  hmac,
  idOf,
  post,
  textEvent,
  type FakeConfig,
} from './fake-adapter.js';
import { channelChecks, conformance, type ChannelSubject } from './index.js';

type Fake = ChannelAdapter<FakeConfig>;
type Send = NonNullable<Fake['send']>;

const webhook = (changes: Partial<typeof fakeWebhook>): Fake => ({
  ...compliant,
  ingress: { webhook: { ...fakeWebhook, ...changes } },
});
const sending = (send: Send): Fake => ({ ...compliant, send });
const able = (changes: Partial<typeof can>): Fake => ({
  ...compliant,
  capabilities: Capabilities.parse({ ...can, ...changes }),
});
const parsing = (make: (body: { id: string; from: string; text: string }) => ReturnType<typeof textEvent>): Fake =>
  webhook({
    parse(request, ctx) {
      const parsed = fakeWebhook.parse(request, ctx);
      return parsed.events[0]?.kind === 'message' ? { events: [make(jsonBody(request) as never)] } : parsed;
    },
  });
const keyed =
  (keyOf: (key: string) => string): Send =>
  async (unit, ctx) => ({
    externalIds: [idOf(await post(ctx, unit.text, keyOf(unit.idempotencyKey)), ctx.now())],
  });

let shared: FakeConfig | undefined;
let counter = 0;

/** Each broken in one way, and the check that must find it. */
const broken: [string, Fake, string][] = [
  ['skips verification', webhook({ verify: () => ({ kind: 'accept' }) }), 'rejects what is not signed'],
  [
    'lets an account take longer texts than the channel',
    { ...compliant, capabilitiesOf: () => Capabilities.parse({ ...can, text: { max: 501, unit: 'utf16' } }) },
    'lets accounts do nothing that the channel cannot',
  ],
  [
    'lets an account show typing where the channel cannot',
    { ...compliant, capabilitiesOf: () => Capabilities.parse({ ...can, typing: true }) },
    'lets accounts do nothing that the channel cannot',
  ],
  [
    'takes a request without a signature',
    webhook({
      verify: (request, ctx) =>
        request.headers['x-signature'] ? fakeWebhook.verify(request, ctx) : { kind: 'accept' },
    }),
    'rejects what is not signed',
  ],
  [
    'compares only the beginning of a signature',
    webhook({
      verify: ({ body, headers }, { config }) =>
        hmac(config.token, body).slice(0, 8) === headers['x-signature']?.slice(0, 8)
          ? { kind: 'accept' }
          : { kind: 'reject', reason: 'no' },
    }),
    'rejects a signature in which one character is another',
  ],
  [
    'signs no more than the first bytes of the body',
    webhook({
      verify: ({ body, headers }, { config }) =>
        body.subarray(0, 12).length === 12 && headers['x-signature']?.length === hmac(config.token, body).length
          ? { kind: 'accept' }
          : { kind: 'reject', reason: 'no' },
    }),
    'rejects a body in which one byte is another',
  ],
  [
    'verifies with a secret that all accounts share',
    webhook({
      verify: ({ body, headers }) =>
        ['first-token-4711', 'other-token-0815'].some((token) => hmac(token, body) === headers['x-signature'])
          ? { kind: 'accept' }
          : { kind: 'reject', reason: 'no' },
    }),
    'rejects what another account signed',
  ],
  [
    'makes the dedupe key of the text',
    parsing(({ id, from, text }) => ({ ...textEvent(id, from, text), dedupeKey: `hash:${from}:${text}` })),
    'gives two messages of the same text different dedupe keys',
  ],
  [
    'makes a new dedupe key for every delivery',
    parsing(({ id, from, text }) => ({ ...textEvent(id, from, text), dedupeKey: `${id}:${(counter += 1)}` })),
    'gives a repeated request the same dedupe keys, an hour later too',
  ],
  [
    'throws a TypeError on a body that is cut short',
    webhook({
      parse(request, ctx) {
        try {
          return fakeWebhook.parse(request, ctx);
        } catch {
          throw new TypeError('cannot read properties of undefined');
        }
      },
    }),
    'survives empty, cut, huge, badly encoded, nested and polluting bodies',
  ],
  [
    'copies keys of the body into an object',
    webhook({
      parse(request, ctx) {
        const merge = (into: Record<string, unknown>, from: object): void => {
          for (const [key, value] of Object.entries(from)) {
            if (typeof value === 'object' && value !== null && key in into)
              merge(into[key] as Record<string, unknown>, value as object);
            else into[key] = value;
          }
        };
        const body = jsonBody(request);
        if (typeof body === 'object' && body !== null && !Array.isArray(body)) merge({}, body);
        return fakeWebhook.parse(request, ctx);
      },
    }),
    'survives empty, cut, huge, badly encoded, nested and polluting bodies',
  ],
  [
    'takes 200 with an error for success',
    sending(async (unit, ctx) => {
      const answer = await post(ctx, unit.text);
      return {
        externalIds: [answer.status === 200 ? (answer.json<{ id?: string }>().id ?? 'none') : idOf(answer, ctx.now())],
      };
    }),
    'send: 200 with an error body is the failure that it says',
  ],
  [
    'takes 429 for final',
    sending(async (unit, ctx) => {
      const answer = await post(ctx, unit.text);
      if (answer.status === 429) throw new ProviderFailure('content-refused', 'too many');
      return { externalIds: [idOf(answer, ctx.now())] };
    }),
    'send: 429 is throttled, for as long as Retry-After says',
  ],
  [
    'throws plain errors for 5xx',
    sending(async (unit, ctx) => {
      const answer = await post(ctx, unit.text);
      if (answer.status >= 500) throw new Error(`status ${answer.status}`);
      return { externalIds: [idOf(answer, ctx.now())] };
    }),
    'send: 5xx is unavailable, or of unknown outcome where nothing keeps it from being sent twice',
  ],
  [
    'repeats the answer, and with it the token, in its error',
    sending(async (unit, ctx) => {
      const answer = await post(ctx, unit.text);
      if (answer.status !== 200) throw new ProviderFailure('content-refused', answer.text());
      return { externalIds: [idOf(answer, ctx.now())] };
    }),
    'lets no secret into errors, traces, reasons or health',
  ],
  [
    'keeps the account in a variable of the module',
    sending(async (unit, ctx) => {
      shared = ctx.config;
      await new Promise((later) => setImmediate(later));
      return { externalIds: [idOf(await post({ ...ctx, config: shared }, unit.text), ctx.now())] };
    }),
    'does not mix two accounts that send at the same time',
  ],
  [
    'declares typing and has none',
    able({ typing: true }),
    'has the members that its capabilities promise, and no others',
  ],
  [
    'declares read receipts and yields none',
    able({ receipts: ['delivered', 'read'] }),
    'yields the receipts, edits, deletes, reactions and typing that it declares, and no others',
  ],
  [
    'declares pictures and sends none',
    able({ media: { image: { mimeTypes: ['image/*'], maxBytes: 1_000 } } }),
    'sends the kinds of parts and media that it declares, and no others',
  ],
  [
    'tries again by itself',
    sending(async (unit, ctx) => {
      const first = await post(ctx, unit.text);
      return { externalIds: [idOf(first.status >= 500 ? await post(ctx, unit.text) : first, ctx.now())] };
    }),
    'send: does not try again by itself',
  ],
  [
    'splits by itself',
    sending(async (unit, ctx) => {
      const ids: string[] = [];
      for (let at = 0; at < unit.text.length; at += 160)
        ids.push(idOf(await post(ctx, unit.text.slice(at, at + 160)), ctx.now()));
      return { externalIds: ids };
    }),
    'sends one unit as one provider message, however long',
  ],
  [
    'cuts long texts',
    sending(async (unit, ctx) => ({ externalIds: [idOf(await post(ctx, unit.text.slice(0, 160)), ctx.now())] })),
    'carries texts at the limit and beyond it, astral and Chinese, whole',
  ],
  [
    'reports a time-out after the write as sent',
    sending(async (unit, ctx) => {
      try {
        return { externalIds: [idOf(await post(ctx, unit.text), ctx.now())] };
      } catch (error) {
        if (error instanceof ProviderFailure && error.code === 'outcome-unknown') return { externalIds: ['guessed'] };
        throw error;
      }
    }),
    'send: a time-out after the write is outcome-unknown',
  ],
  [
    'declares an idempotency key and sends none',
    able({ idempotentSend: true }),
    'send: carries the idempotency key on every attempt where it declares that the provider takes one',
  ],
  [
    'makes a new idempotency key at each attempt',
    { ...able({ idempotentSend: true }), send: keyed(() => randomUUID()) },
    'send: carries the idempotency key on every attempt where it declares that the provider takes one',
  ],
  [
    'gives all messages one idempotency key',
    { ...able({ idempotentSend: true }), send: keyed(() => 'always-the-same') },
    'send: carries the idempotency key on every attempt where it declares that the provider takes one',
  ],
  [
    'throws in check()',
    { ...compliant, check: () => Promise.reject(new Error('no')) },
    'check() answers in words, and never throws',
  ],
];

const named = (name: string): Check<ChannelSubject> => {
  const check = channelChecks.find((candidate) => candidate.name === name);
  if (!check) throw new Error(`there is no check "${name}"`);
  return check;
};
const subjectOf = (adapter?: Fake): ChannelSubject => fakeSubject(adapter) as unknown as ChannelSubject;

conformance(fakeSubject());

describe('the conformance suite', () => {
  it.each(broken)('finds the adapter that %s', async (_how, adapter, check) => {
    await expect(runCheck(named(check), subjectOf(adapter))).rejects.toThrow();
  });

  it('takes an idempotency key in a form of the provider', async () => {
    const hashed = keyed((key) => createHash('sha256').update(key).digest('hex'));
    const check = named(
      'send: carries the idempotency key on every attempt where it declares that the provider takes one',
    );
    const adapter = { ...able({ idempotentSend: true }), send: hashed };
    await expect(runCheck(check, subjectOf(adapter))).resolves.toBeUndefined();
  });

  it.each([
    ['a person', [{ scheme: 'fake-id', value: 'ada' }], undefined, 'fake-id'],
    ['who wrote', [{ scheme: 'fake-group', value: 'all' }], { scheme: 'fake-group', value: 'ada' }, 'fake-group'],
  ])('finds a group that is taken for %s', async (...[, handles, member, scheme]) => {
    const said = (sender: object) =>
      ({ kind: 'message', dedupeKey: 'm', thread: 't', sender, parts: [{ type: 'text', text: 'hi' }] }) as never;
    const subject = (group: object) => ({
      ...subjectOf(),
      inbound: [
        {
          name: 'both',
          request: rawRequest({}),
          events: [said({ handles: [{ scheme: 'fake-id', value: 'ada' }] }), said(group)],
        },
      ],
    });
    const check = named('keeps a group apart from the people in it');
    await expect(runCheck(check, subject({ group: 'All', handles, member }))).rejects.toThrow(scheme);
    const apart = {
      group: 'All',
      handles: [{ scheme: 'fake-group', value: 'all' }],
      member: { scheme: 'fake-id', value: 'ada' },
    };
    await expect(runCheck(check, subject(apart))).resolves.toBeUndefined();
  });

  it('has checks with different names', () => {
    expect(new Set(channelChecks.map(({ name }) => name)).size).toBe(channelChecks.length);
  });

  it('honours a waiver, and finds a stale one', async () => {
    const check = 'rejects what is not signed';
    const waivers = [{ check, reason: 'the provider signs nothing at all' }];
    const open = webhook({ verify: () => ({ kind: 'accept' }) });
    await expect(runCheck(named(check), { ...subjectOf(open), waivers })).resolves.toBeUndefined();
    await expect(runCheck(named(check), { ...subjectOf(), waivers })).rejects.toThrow('stale');
  });
});
