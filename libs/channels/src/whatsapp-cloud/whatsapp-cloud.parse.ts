import type { InboundEventInput, MediaKind, PartInput } from '#normalizer';
import { jsonBody, MalformedRequest, type VerifiedRequest } from '#transport';
import type { ParsedRequest, VerifyContext } from '../core/adapter.js';
import { Callback, type Message, type Status, type Value } from './whatsapp-cloud.callback.js';
import type { WhatsappCloudConfig } from './whatsapp-cloud.config.js';
import { failureOf } from './whatsapp-cloud.failures.js';

type Sender = Extract<InboundEventInput, { kind: 'message' }>['sender'];

/** Messages and statuses, several a callback. Those of another number of the same app are another account's. Throws `MalformedRequest`. */
export function parse(request: VerifiedRequest, { config }: VerifyContext<WhatsappCloudConfig>): ParsedRequest {
  const read = Callback.safeParse(jsonBody(request));
  if (!read.success) throw new MalformedRequest('expected a callback of the Cloud API');
  const values = read.data.entry.flatMap(({ changes }) =>
    changes.flatMap((change) => ('value' in change ? change.value : [])),
  );
  const own = values.filter(({ metadata }) => metadata.phone_number_id === config.phoneNumberId);
  return {
    events: own.flatMap((value) => [
      ...value.messages.map((message) => received(message, value)),
      ...value.statuses.flatMap(receipt),
    ]),
  };
}

function received(message: Message, value: Value): InboundEventInput {
  const { id, timestamp, reaction, context } = message;
  const base = { dedupeKey: `message:${id}`, ...placeOf(message, value), occurredAt: timeOf(timestamp) };
  if (reaction) {
    const { message_id: externalId, emoji } = reaction;
    return { kind: 'reaction', ...base, externalId, reaction: { emoji, removed: emoji === '' } };
  }
  const answered = context?.id === undefined ? {} : { replyTo: context.id };
  return { kind: 'message', ...base, parts: partsOf(message) as never, externalIds: [id], ...answered };
}

/** People with a user name may hide their number: then their id of this business names them. */
function placeOf(
  { from, from_user_id: user, group_id: group }: Message,
  { contacts }: Value,
): { thread: string; sender: Sender } {
  const handles = [
    ...(from === undefined ? [] : [{ scheme: 'phone', value: `+${from}` }]),
    ...(user === undefined ? [] : [{ scheme: 'whatsapp-user', value: user }]),
  ];
  const [first] = handles;
  if (!first) throw new MalformedRequest('a message names nobody');
  const name = contacts.find(({ wa_id, user_id }) => (wa_id ?? user_id) === (from ?? user))?.profile?.name;
  const named = name ? { name } : {};
  if (group === undefined) return { thread: first.value, sender: { handles, ...named } };
  const member = { scheme: first.scheme, scope: '', value: first.value };
  return {
    thread: group,
    sender: { handles: [{ scheme: 'whatsapp-group', value: group }], ...named, group: 'WhatsApp group', member },
  };
}

function partsOf(message: Message): PartInput[] {
  const { type, text, location, contacts, button, interactive } = message;
  if (text) return [{ type: 'text', text: text.body }];
  if (location) return [{ type: 'location', ...location }];
  if (contacts) return contacts.map(({ name, phones }): PartInput => ({ type: 'contact-card', name: name.formatted_name, handles: phones.slice(0, 20).map(({ phone }) => ({ scheme: 'phone', value: phone })) })); // prettier-ignore
  if (button) return [{ type: 'choice', optionId: button.payload, label: button.text }];
  const chosen = interactive?.button_reply ?? interactive?.list_reply;
  if (chosen) return [{ type: 'choice', optionId: chosen.id, label: chosen.title }];
  return [mediaOf(message) ?? { type: 'unsupported', providerType: type }];
}

function mediaOf(message: Message): PartInput | null {
  const kinds = { image: 'image', audio: 'audio', video: 'video', document: 'file', sticker: 'sticker' } as const;
  for (const [name, plain] of Object.entries(kinds) as [keyof typeof kinds, MediaKind][]) {
    const found = message[name];
    if (!found) continue;
    const { id: ref, mime_type: mimeType, caption, filename, voice } = found;
    const more = { ...(caption && { caption }), ...(filename && { name: filename }) };
    return { type: 'media', kind: voice ? 'voice' : plain, ref, mimeType, ...more, state: 'pending' };
  }
  return null;
}

const STATUS: Readonly<Record<string, 'sent' | 'delivered' | 'read' | 'failed'>> = { sent: 'sent', delivered: 'delivered', read: 'read', failed: 'failed' }; // prettier-ignore

function receipt({ id: externalId, status: said, timestamp, errors: [error] }: Status): InboundEventInput[] {
  const status = Object.hasOwn(STATUS, said) ? STATUS[said] : undefined;
  if (!status) return [];
  const reason = error
    ? failureOf(error.code)
    : { code: 'content-refused' as const, message: 'WhatsApp gives no reason' };
  const failure = status === 'failed' ? { failure: reason } : {};
  return [
    {
      kind: 'receipt',
      dedupeKey: `status:${externalId}:${said}`,
      externalId,
      status,
      ...failure,
      occurredAt: timeOf(timestamp),
    },
  ];
}

/** Seconds, which have come as milliseconds. */
function timeOf(timestamp: string): string {
  const number = Number(timestamp);
  return new Date(number > 100_000_000_000 ? number : number * 1_000).toISOString();
}
