import { EVENT_TYPES, StreamEvent, type EventData } from '#normalizer';
import type { JsonObject } from './json.js';
import { SchemaBook } from './schema-book.js';

type EventType = (typeof EVENT_TYPES)[number];
type DataKey = keyof EventData;

const LIVE: readonly EventType[] = ['typing.started', 'typing.stopped'];

/** What an event of each family tells for certain. */
const TOLD: Readonly<Record<string, readonly DataKey[]>> = {
  message: ['conversation', 'contact', 'account', 'message'],
  conversation: ['conversation', 'contact'],
  contact: ['contact'],
  account: ['account', 'status'],
  attachment: ['conversation', 'attachment'],
  typing: ['conversation', 'contact', 'account'],
};

const MEANING: Readonly<Record<EventType, string>> = {
  'message.received': 'The customer wrote',
  'message.queued': 'An answer was accepted',
  'message.sent': 'The provider took it',
  'message.delivered': 'It reached the customer',
  'message.read': 'The customer saw it',
  'message.failed': 'It will not arrive, or nobody knows whether it did',
  'message.edited': 'The customer changed a message',
  'message.deleted': 'The customer recalled a message',
  'message.reaction': 'The customer reacted to a message',
  'conversation.opened': 'A conversation began',
  'conversation.updated': 'Subject, priority, queue, tags, metadata or status changed',
  'conversation.closed': 'It was closed',
  'conversation.reopened': 'It was opened again',
  'contact.created': 'Somebody new',
  'contact.updated': 'Name, company or handles changed',
  'contact.merged': 'Two contacts are one',
  'contact.unmerged': 'A merge was undone',
  'contact.conflict': 'Handles lead to several contacts; a person must decide',
  'contact.opted-in': 'Wants to be written to',
  'contact.opted-out': 'Does not want to be written to',
  'contact.erased': 'Everything of this person was erased',
  'account.connected': 'An account works',
  'account.degraded': 'An account works in part',
  'account.disconnected': 'An account does not work; a person must act',
  'attachment.ready': 'A file can be fetched',
  'attachment.unavailable': 'A file will never come',
  'typing.started': 'The customer types',
  'typing.stopped': 'The customer stopped typing',
};

/** The AsyncAPI 3.0 document of the stream. */
export function asyncApi(version: string): JsonObject {
  const book = new SchemaBook();
  book.use(StreamEvent, 'output');
  const names = EVENT_TYPES.map((type) => [type, messageName(type)] as const);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Tributary stream',
      version,
      description:
        'One event per POST, in order within a conversation, at least once, signed by the Standard Webhooks specification. Any 2xx is taken. Dedupe by id, order by ' +
        '`sequence`. The same events can be pulled from `GET /v1/events`. An answer may carry `{ "reference": { "ticketId", "url" } }`.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    channels: {
      stream: {
        address: null,
        title: 'The unified stream',
        description: "The URL of the destination's settings.",
        messages: Object.fromEntries(names.map(([, name]) => [name, { $ref: `#/components/messages/${name}` }])),
        bindings: { http: {} },
      },
    },
    operations: {
      deliver: {
        action: 'send',
        channel: { $ref: '#/channels/stream' },
        summary: 'The gateway delivers an event',
        messages: names.map(([, name]) => ({ $ref: `#/channels/stream/messages/${name}` })),
        bindings: { http: { method: 'POST', bindingVersion: '0.3.0' } },
      },
    },
    components: {
      messages: Object.fromEntries(names.map(([type, name]) => [name, message(type)])),
      schemas: {
        ...Object.fromEntries(Object.entries(book.schemas).sort(([a], [b]) => (a < b ? -1 : 1))),
        DeliveryHeaders: HEADERS,
      },
    },
  };
}

function message(type: EventType): JsonObject {
  const live = LIVE.includes(type);
  return {
    name: type,
    title: type,
    summary: MEANING[type] + (live ? ' (live only: not stored, not ordered)' : ''),
    contentType: 'application/json',
    headers: { $ref: '#/components/schemas/DeliveryHeaders' },
    payload: {
      type: 'object',
      required: ['id', 'type', 'timestamp', 'sequence', 'data'],
      properties: {
        id: { type: 'string' },
        type: { const: type },
        timestamp: { type: 'string', format: 'date-time' },
        sequence: {
          type: ['integer', 'null'],
          minimum: 1,
          description: 'Place in its conversation; null for events of none.',
        },
        data: {
          description: 'Null once it was erased.',
          anyOf: [
            {
              allOf: [
                { $ref: '#/components/schemas/EventData' },
                { type: 'object', required: [...(TOLD[type.split('.')[0] ?? ''] ?? [])] },
              ],
            },
            { type: 'null' },
          ],
        },
      },
    },
  };
}

const HEADERS: JsonObject = {
  type: 'object',
  required: ['webhook-id', 'webhook-timestamp', 'webhook-signature'],
  properties: {
    'webhook-id': { type: 'string', description: 'The event id, the same on every attempt.' },
    'webhook-timestamp': { type: 'string', description: 'Seconds since the epoch.' },
    'webhook-signature': {
      type: 'string',
      description: '`v1,` and the signature; two of them while a secret is being rotated.',
    },
    'tributary-replay': { type: 'string', const: 'true', description: 'Present on a replay.' },
  },
};

/** `message.received` is `MessageReceived`. */
function messageName(type: string): string {
  return type
    .split(/[.-]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}
