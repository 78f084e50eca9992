import type { InboundEventInput } from 'tributary/channel-kit';
import {
  fileUrl,
  type InboundCase,
  loadFixture,
  type OutboundCase,
  rawRequest,
  type Refusal,
} from 'tributary/channel-kit/testing';

const fixture = (name: string) => loadFixture(new URL(`../fixtures/${name}.json`, import.meta.url));
const ada = { handles: [{ scheme: 'pigeon-loft', value: 'grey-7' }] };
const occurredAt = '2026-11-21T09:29:59Z';
const said = (dedupeKey: string, more: object): InboundEventInput =>
  ({ kind: 'message', dedupeKey, thread: 'grey-7', sender: ada, occurredAt, ...more }) as InboundEventInput;
const receipt = (dedupeKey: string, more: object): InboundEventInput =>
  ({ kind: 'receipt', dedupeKey, externalId: 'p-1', occurredAt, ...more }) as InboundEventInput;

const photo = { type: 'media', kind: 'image', mimeType: 'image/jpeg', bytes: 48_213, caption: 'It looked like this' };
const lost = {
  code: 'recipient-gone',
  providerCode: 'no-such-loft',
  message: 'Pigeon says no-such-loft: nobody lives there any more',
};

/** What Pigeon says, and what must come of it. */
export const updates: readonly Required<Pick<InboundCase, 'name' | 'request' | 'events'>>[] = [
  {
    name: 'a text',
    request: fixture('text'),
    events: [
      said('u-1', {
        sender: { ...ada, name: 'Ada' },
        parts: [{ type: 'text', text: 'Where is my parcel? 🐦' }],
        externalIds: ['m-3'],
        occurredAt: '2026-11-21T09:29:58Z',
      }),
    ],
  },
  {
    name: 'a photo that answers',
    request: fixture('photo'),
    events: [
      said('u-2', { parts: [{ ...photo, ref: 'f-2', state: 'pending' }], externalIds: ['m-4'], replyTo: 'p-1' }),
    ],
  },
  {
    name: 'what came without notice',
    request: fixture('feather'),
    events: [said('u-3', { parts: [{ type: 'unsupported', providerType: 'feather' }] })],
  },
  { name: 'delivered', request: fixture('landed'), events: [receipt('u-4', { status: 'delivered' })] },
  { name: 'read', request: fixture('read'), events: [receipt('u-5', { status: 'read' })] },
  { name: 'lost', request: fixture('lost'), events: [receipt('u-6', { status: 'failed', failure: lost })] },
];

const ok = (id: string) =>
  rawRequest({
    json: { id, type: 'message', at: '2026-11-21T09:29:58Z', from: { loft: 'grey-7' }, message: `m-${id}`, text: 'ok' },
  });

/** Somebody wrote the same thing twice. */
export const twins = [ok('u-7'), ok('u-8')] as const;

/** What Pigeon must be asked, for each kind of part that it carries. */
export const outbound: readonly OutboundCase[] = [
  {
    name: 'a text that answers',
    message: { parts: [{ type: 'text', text: 'On its way' }], replyTo: 'm-3' },
    requests: [{ json: { key: 'unt_conformance0', to: 'grey-7', text: 'On its way', answers: 'm-3' } }],
    externalIds: [['p-1']],
  },
  {
    name: 'a photo with its caption',
    message: {
      parts: [
        {
          type: 'media',
          kind: 'image',
          fileId: 'fil_1',
          mimeType: 'image/png',
          bytes: 70,
          caption: 'Here',
          state: 'ready',
        },
      ],
    },
    requests: [{ json: { key: 'unt_conformance0', to: 'grey-7', photo: { url: fileUrl('fil_1'), caption: 'Here' } } }],
  },
];

/** The codes of its documentation, and one that is not in there. */
export const refusals: readonly Refusal[] = [
  { name: 'nobody there', answer: { body: { ok: false, code: 'no-such-loft' } }, code: 'recipient-gone' },
  { name: 'not wanted', answer: { body: { ok: false, code: 'shooed' } }, code: 'opted-out' },
  { name: 'too late', answer: { body: { ok: false, code: 'asleep' } }, code: 'window-closed' },
  { name: 'too heavy', answer: { body: { ok: false, code: 'too-heavy' } }, code: 'content-refused' },
  { name: 'too many', answer: { body: { ok: false, code: 'tired', wait: 3 } }, code: 'throttled' },
  {
    name: 'an account that is suspended',
    answer: { body: { ok: false, code: 'nest-closed' } },
    code: 'config-invalid',
  },
  { name: 'a code of next year', answer: { body: { ok: false, code: 'moulting' } }, code: 'content-refused' },
];
