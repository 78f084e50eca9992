import type { InboundEventInput } from '#normalizer';
import { jsonBody, MalformedRequest, type VerifiedRequest } from '#transport';
import type { ParsedRequest } from '../core/adapter.js';
import { partsOf } from './telegram.content.js';
import { messageKey, Update, type Message } from './telegram.update.js';

type Sender = Extract<InboundEventInput, { kind: 'message' }>['sender'];
type Where = { readonly chat: Message['chat']; readonly from?: Message['from'] };

/** One update. A tap on a button is answered at once, so that it stops spinning. Throws `MalformedRequest`. */
export function parse(request: VerifiedRequest): ParsedRequest {
  const read = Update.safeParse(jsonBody(request));
  if (!read.success) throw new MalformedRequest('expected an update of the Bot API');
  const { callback_query: tap } = read.data;
  if (!tap) return { events: eventsOf(read.data) };
  const body = JSON.stringify({ method: 'answerCallbackQuery', callback_query_id: tap.id });
  return { events: eventsOf(read.data), reply: { status: 200, headers: { 'content-type': 'application/json' }, body } };
}

function eventsOf({
  update_id,
  message,
  edited_message: edited,
  callback_query: tap,
  my_chat_member: member,
}: Update): InboundEventInput[] {
  const dedupeKey = `update:${update_id}`;
  if (message) return message.service ? [] : [written(message, dedupeKey)];
  if (edited) {
    const externalId = messageKey(edited.chat.id, edited.message_id);
    return [
      {
        kind: 'edited',
        dedupeKey,
        ...placeOf(edited),
        externalId,
        parts: partsOf(edited) as never,
        occurredAt: timeOf(edited.date),
      },
    ];
  }
  if (tap?.message) {
    const { chat, message_id, reply_markup: markup } = tap.message;
    const optionId = tap.data ?? '';
    const label = markup?.inline_keyboard.flat().find((button) => button.callback_data === optionId)?.text ?? optionId;
    const parts = [{ type: 'choice' as const, optionId, label }];
    return [
      {
        kind: 'message',
        dedupeKey,
        ...placeOf({ chat, from: tap.from }),
        parts,
        replyTo: messageKey(chat.id, message_id),
      },
    ];
  }
  if (member?.chat.type !== 'private') return [];
  // Whoever blocks a bot is told of so (https://core.telegram.org/bots/api#chatmemberupdated).
  const gone = member.new_chat_member.status === 'kicked';
  const reason = gone ? 'blocked the bot' : 'allowed the bot to write';
  return [
    { kind: gone ? 'opted-out' : 'opted-in', dedupeKey, ...placeOf(member), reason, occurredAt: timeOf(member.date) },
  ];
}

function written(message: Message, dedupeKey: string): InboundEventInput {
  const { chat, message_id, date, from, reply_to_message: answered } = message;
  return {
    kind: 'message',
    dedupeKey,
    ...placeOf(message),
    parts: partsOf(message) as never,
    externalIds: [messageKey(chat.id, message_id)],
    ...(answered && { replyTo: messageKey(chat.id, answered.message_id) }),
    ...(from?.language_code && { language: from.language_code }),
    occurredAt: timeOf(date),
  };
}

/** A person, or a group of which one wrote. */
function placeOf({ chat, from }: Where): { thread: string; sender: Sender } {
  const name = from && [from.first_name, from.last_name].join(' ').trim().slice(0, 500);
  const named = name ? { name } : {};
  const thread = String(chat.id);
  if (chat.type === 'private')
    return { thread, sender: { handles: [{ scheme: 'telegram-id', value: thread }], ...named } };
  const group = (chat.title ?? 'group').slice(0, 500);
  const member = from && { member: { scheme: 'telegram-id', scope: '', value: String(from.id) } };
  return { thread, sender: { handles: [{ scheme: 'telegram-chat', value: thread }], ...named, group, ...member } };
}

function timeOf(seconds: number): string {
  const time = new Date(seconds * 1_000);
  if (Number.isNaN(time.getTime())) throw new MalformedRequest('expected a date in seconds');
  return time.toISOString();
}
