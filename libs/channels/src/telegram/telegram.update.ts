import { z } from 'zod';

// What of an update is read (https://core.telegram.org/bots/api#update). Ids need up to 52 bits.

const id = z.int();
const file = z.object({ file_id: z.string().min(1).max(500), file_size: z.int().nonnegative().optional() });
const document = file.extend({
  mime_type: z.string().max(200).optional(),
  file_name: z.string().max(500).optional(),
  duration: z.number().nonnegative().optional(),
});
const place = z.object({ latitude: z.number().min(-90).max(90), longitude: z.number().min(-180).max(180) });

const User = z.object({
  id,
  first_name: z.string().default(''),
  last_name: z.string().default(''),
  language_code: z.string().max(100).optional(),
});
const Chat = z.object({ id, type: z.string(), title: z.string().optional() });

/** Who wrote when and where, whatever it is. */
const Envelope = z.object({ message_id: id, date: id, from: User.optional(), chat: Chat });
const Known = Envelope.extend({
  text: z.string().min(1).optional(),
  caption: z.string().optional(),
  photo: z.array(file).min(1).optional(),
  voice: document.optional(),
  audio: document.optional(),
  video: document.optional(),
  video_note: document.optional(),
  animation: document.optional(),
  document: document.optional(),
  sticker: file.extend({ is_animated: z.boolean().default(false), is_video: z.boolean().default(false) }).optional(),
  location: place.optional(),
  venue: z.object({ location: place, title: z.string(), address: z.string() }).optional(),
  contact: z.object({ phone_number: z.string(), first_name: z.string(), last_name: z.string().default('') }).optional(),
  reply_to_message: z.object({ message_id: id }).optional(),
});
/** What Telegram says of a chat in a message of its own, and no person wrote ("Service message" in https://core.telegram.org/bots/api#message). */
const SERVICE =
  /^((new|left|delete)_chat_|(group|supergroup|channel)_chat_created|migrate_|pinned_message$|message_auto_delete_|(forum|general_forum)_topic_|video_chat_|boost_added$|chat_background_set$)/;
const Service = Envelope.loose()
  .refine((said) => Object.keys(said).some((key) => SERVICE.test(key)))
  .transform(({ message_id, date, from, chat }) => ({ message_id, date, from, chat, service: true as const }));
export type Message = z.infer<typeof Known> & { readonly service?: true };
/** A message of another form than is known must not be refused: Telegram would bring it again and again before all others. */
const Message = z.union([Service, Known, Envelope]).transform((message): Message => message);

const buttons = z.object({ inline_keyboard: z.array(z.array(z.object({ text: z.string(), callback_data: z.string().optional() }))) }); // prettier-ignore

export const Update = z.object({
  update_id: id,
  message: Message.optional(),
  edited_message: Message.optional(),
  callback_query: z
    .object({
      id: z.string(),
      from: User,
      data: z.string().max(200).optional(),
      message: z.object({ message_id: id, chat: Chat, reply_markup: buttons.optional() }).optional(),
    })
    .optional(),
  my_chat_member: z
    .object({ chat: Chat, from: User, date: id, new_chat_member: z.object({ status: z.string() }) })
    .optional(),
});
export type Update = z.infer<typeof Update>;

/** Names a message within the account: its number is one of its chat's. */
export function messageKey(chat: number | string, message: number): string {
  return `${chat}:${message}`;
}
