import { ProviderFailure, type OutboundUnit, type ThreadRef } from '#normalizer';
import { statusFailure, type Health, type HttpResponse, type MediaStream } from '#transport';
import { z } from 'zod';
import type { AdapterContext, SendReceipt } from '../core/adapter.js';
import type { WhatsappCloudConfig } from './whatsapp-cloud.config.js';
import { contentOf } from './whatsapp-cloud.content.js';
import { refusalIn } from './whatsapp-cloud.failures.js';

type Context = AdapterContext<WhatsappCloudConfig>;

const VERSION = 'v25.0';
/** Hosts that Meta gives files out from. */
const META = /(^|\.)(fbsbx\.com|fbcdn\.net|facebook\.com|whatsapp\.net)$/;
const Sent = z.object({ messages: z.array(z.object({ id: z.string().min(1) })).min(1) });

/** Sends one message. The API takes no idempotency key. */
export async function send(unit: OutboundUnit, ctx: Context): Promise<SendReceipt> {
  const quoted = unit.replyTo === undefined ? {} : { context: { message_id: unit.replyTo } };
  const answer = await post(ctx, { ...addressOf(unit.thread), ...quoted, ...contentOf(unit, ctx.fileUrl) });
  const read = Sent.safeParse(answer.json());
  if (!read.success) throw new ProviderFailure('reply-unreadable', 'the answer names no message');
  return { externalIds: read.data.messages.map(({ id }) => id) };
}

/**
 * Groups and numbers go in `to`. The id of a person who hides their number goes in `recipient`: in `to` it is answered with success and dropped
 * (https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids).
 */
function addressOf({ externalId, handles }: ThreadRef): object {
  if (handles.some(({ scheme }) => scheme === 'whatsapp-group')) return { recipient_type: 'group', to: externalId };
  const number = /^\+?(\d+)$/.exec(externalId)?.[1];
  return { recipient_type: 'individual', ...(number === undefined ? { recipient: externalId } : { to: number }) };
}

export async function markRead(_thread: ThreadRef, externalId: string, ctx: Context): Promise<void> {
  await post(ctx, { status: 'read', message_id: externalId });
}

/** Opens a file by its id: the address that it leads to lasts five minutes. Throws `ProviderFailure`. */
export async function fetchMedia(ref: string, ctx: Context): Promise<MediaStream> {
  const found = z
    .object({ url: z.url(), mime_type: z.string().optional() })
    .safeParse((await get(ctx, `/${encodeURIComponent(ref)}`)).json());
  if (!found.success) throw new ProviderFailure('reply-unreadable', 'the answer names no address');
  const { url, mime_type: mimeType } = found.data;
  const ours = META.test(new URL(url).hostname) || new URL(url).origin === new URL(ctx.config.apiBase).origin;
  const answer = await ctx.http.stream({ url, ...(ours && { headers: authorization(ctx) }), signal: ctx.signal });
  if (answer.status === 200) return { stream: answer.stream, ...(mimeType && { mimeType }) };
  answer.stream.destroy();
  if (answer.status === 404) throw new ProviderFailure('recipient-gone', 'WhatsApp no longer has the file');
  throw statusFailure(answer, ctx.now());
}

/** Reads the business number. */
export async function check(ctx: Context): Promise<Health> {
  try {
    const shape = z.object({ display_phone_number: z.string().regex(/^[+\d][\d\s()-]{4,30}$/) });
    const { display_phone_number: number } = shape.parse(
      (await get(ctx, `/${ctx.config.phoneNumberId}?fields=display_phone_number`)).json(),
    );
    return { ok: true, detail: `The token may write as ${number}.` };
  } catch (error) {
    const why = error instanceof ProviderFailure ? error.message : 'what answers is not the Cloud API';
    return { ok: false, detail: `${why}. Compare phoneNumberId and accessToken with the app's page at Meta.` };
  }
}

const authorization = ({ config }: Context) => ({ authorization: `Bearer ${config.accessToken}` });

async function get(ctx: Context, path: string): Promise<HttpResponse> {
  const url = `${ctx.config.apiBase}/${VERSION}${path}`;
  return taken(await ctx.http.request({ url, headers: authorization(ctx), signal: ctx.signal }), ctx);
}

async function post(ctx: Context, content: object): Promise<HttpResponse> {
  const url = `${ctx.config.apiBase}/${VERSION}/${ctx.config.phoneNumberId}/messages`;
  const body = { messaging_product: 'whatsapp', ...content };
  return taken(
    await ctx.http.request({ method: 'POST', url, headers: authorization(ctx), body, signal: ctx.signal }),
    ctx,
  );
}

function taken(answer: HttpResponse, ctx: Context): HttpResponse {
  const refused = refusalIn(answer, ctx.now());
  if (refused) throw refused;
  return answer;
}
