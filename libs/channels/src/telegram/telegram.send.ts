import {
  ProviderFailure,
  type MediaKind,
  type MediaPart,
  type OutboundUnit,
  type Part,
  type ThreadRef,
} from '#normalizer';
import { statusFailure, type Health, type MediaStream } from '#transport';
import { z } from 'zod';
import type { SendReceipt } from '../core/adapter.js';
import { call, type Context } from './telegram.api.js';
import { messageKey } from './telegram.update.js';

/** Most bytes of what a button gives back (https://core.telegram.org/bots/api#inlinekeyboardbutton). */
const MOST_DATA = 64;
const METHODS: Readonly<Record<MediaKind, readonly [method: string, field: string]>> = {
  image: ['sendPhoto', 'photo'],
  audio: ['sendAudio', 'audio'],
  voice: ['sendVoice', 'voice'],
  video: ['sendVideo', 'video'],
  file: ['sendDocument', 'document'],
  sticker: ['sendSticker', 'sticker'],
};

/** Sends one message (https://core.telegram.org/bots/api#available-methods). Telegram takes no idempotency key. */
export async function send(unit: OutboundUnit, ctx: Context): Promise<SendReceipt> {
  const chat = unit.thread.externalId;
  const quoted = unit.replyTo?.startsWith(`${chat}:`) ? Number(unit.replyTo.slice(chat.length + 1)) : undefined;
  const base = {
    chat_id: chat,
    ...(quoted !== undefined && { reply_parameters: { message_id: quoted, allow_sending_without_reply: true } }),
  };
  const [method, body] = await requestOf(unit, base, ctx);
  const { message_id: id } = await call(ctx, method, { body, shape: z.object({ message_id: z.int() }) });
  return { externalIds: [messageKey(chat, id)] };
}

async function requestOf({ parts: [part], text }: OutboundUnit, base: object, ctx: Context): Promise<[string, object]> {
  switch (part?.type) {
    case 'media':
      return mediaRequest(part, base, ctx);
    case 'location': {
      const { latitude, longitude, name, address } = part;
      if (!name) return ['sendLocation', { ...base, latitude, longitude }];
      return ['sendVenue', { ...base, latitude, longitude, title: name, address: address ?? name }];
    }
    case 'choices': {
      const rows = part.options.map(({ id, label }) => [{ text: label, callback_data: id }]);
      return ['sendMessage', { ...base, text: part.text || '…', reply_markup: { inline_keyboard: rows } }];
    }
    default:
      return ['sendMessage', { ...base, text }];
  }
}

async function mediaRequest(part: MediaPart, base: object, ctx: Context): Promise<[string, object]> {
  const [method, field] = METHODS[part.kind];
  const said = { ...base, ...(part.caption && { caption: part.caption }) };
  if (part.fileId === undefined) return [method, { ...said, [field]: part.url }];
  const { stream, name } = await ctx.openFile(part.fileId);
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  const form = new FormData();
  for (const [key, value] of Object.entries(said))
    form.set(key, typeof value === 'string' ? value : JSON.stringify(value));
  form.set(field, new Blob([Buffer.concat(chunks)], { type: part.mimeType }), part.name ?? name ?? 'file');
  return [method, form];
}

/** A button gives back its option's id, which must be short. */
export function native(part: Part): boolean {
  return part.type !== 'choices' || part.options.every(({ id }) => Buffer.byteLength(id) <= MOST_DATA);
}

/** Lasts five seconds, or until a message comes. */
export async function typing({ externalId }: ThreadRef, on: boolean, ctx: Context): Promise<void> {
  if (on)
    await call(ctx, 'sendChatAction', { body: { chat_id: externalId, action: 'typing' }, shape: z.literal(true) });
}

/** Opens a file by its id; Telegram gives out at most 20 MB. Throws `ProviderFailure`. */
export async function fetchMedia(ref: string, ctx: Context): Promise<MediaStream> {
  const { apiBase, botToken } = ctx.config;
  const { file_path: path } = await call(ctx, 'getFile', {
    body: { file_id: ref },
    shape: z.object({ file_path: z.string() }),
  });
  const answer = await ctx.http.stream({ url: `${apiBase}/file/bot${botToken}/${path}`, signal: ctx.signal });
  if (answer.status === 200) return { stream: answer.stream };
  answer.stream.destroy();
  if (answer.status === 404) throw new ProviderFailure('recipient-gone', 'Telegram no longer has the file');
  throw statusFailure(answer, ctx.now());
}

/** Asks which bot we are. */
export async function check(ctx: Context): Promise<Health> {
  try {
    const { username } = await call(ctx, 'getMe', { shape: z.object({ username: z.string().regex(/^\w{1,64}$/) }) });
    return { ok: true, detail: `The token is that of @${username}.` };
  } catch (error) {
    const why = error instanceof ProviderFailure ? error.message : 'an error of the gateway itself';
    return { ok: false, detail: `Telegram does not answer as it should: ${why}. Compare botToken with BotFather's.` };
  }
}
