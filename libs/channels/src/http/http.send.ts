import { newId, type OutboundUnit, type Part } from '#normalizer';
import { rebase, statusFailure, webhookHeaders, type Health, type HttpResponse } from '#transport';
import type { AdapterContext, SendReceipt } from '../core/adapter.js';
import type { HttpConfig } from './http.config.js';

type Context = AdapterContext<HttpConfig>;

/** Posts one message, signed. Any 2xx is taken; an `id` in the answer is kept beside ours. The id is the same on every attempt. */
export async function send(unit: OutboundUnit, ctx: Context): Promise<SendReceipt> {
  const answer = await post(unit.id, ctx, {
    type: 'message',
    id: unit.id,
    thread: unit.thread.externalId,
    to: { handles: unit.thread.handles.map(({ scheme, scope, value }) => ({ scheme, scope, value })) },
    parts: unit.parts.map((part) => outward(part, ctx)),
    text: unit.text,
    ...(unit.subject !== undefined && { subject: unit.subject }),
    ...(unit.author && { author: unit.author }),
    ...(unit.replyTo !== undefined && { replyTo: unit.replyTo }),
  });
  if (answer.status < 200 || answer.status > 299) throw statusFailure(answer, ctx.now());
  const given = idIn(answer);
  return { externalIds: given === null || given === unit.id ? [unit.id] : [unit.id, given] };
}

/** Posts a signed `{"type":"ping"}`, which receivers answer with any 2xx and otherwise ignore. */
export async function check(ctx: Context): Promise<Health> {
  try {
    const id = newId('req');
    const { status } = await post(id, ctx, { type: 'ping', id });
    return status >= 200 && status <= 299
      ? { ok: true, detail: 'The address takes our signed requests.' }
      : { ok: false, detail: `The address answered a signed ping with ${status}. ${adviceOn(status)}` };
  } catch (error) {
    return {
      ok: false,
      detail: `Nothing could be posted: ${error instanceof Error ? error.message : 'unknown error'}.`,
    };
  }
}

function adviceOn(status: number): string {
  if (status === 401 || status === 403) return 'Compare the secret on both sides.';
  if (status === 404 || status === 410) return 'Check the path of `url`.';
  if (status >= 300 && status <= 399) return 'Redirects are not followed: set `url` to the address it leads to.';
  return 'Answer `{"type":"ping"}` with any 2xx.';
}

function post(id: string, ctx: Context, payload: object): Promise<HttpResponse> {
  const body = JSON.stringify(payload);
  const timestamp = Math.floor(ctx.now() / 1_000);
  return ctx.http.request({
    method: 'POST',
    url: rebase(ctx.config.url, ctx.config.apiBase),
    headers: { 'content-type': 'application/json', ...webhookHeaders([ctx.config.secret], { id, timestamp, body }) },
    body,
    maxBytes: 65_536,
    overflow: 'cut',
    signal: ctx.signal,
  });
}

/** The part as the outside sees it: files by a URL that works for an hour, without the gateway's own references. */
function outward(part: Part, ctx: Context): Part {
  if (part.type === 'card' && part.media) return { ...part, media: outward(part.media, ctx) as typeof part.media };
  if (part.type !== 'media') return part;
  const { fileId, ref: _ref, ...rest } = part;
  return fileId === undefined ? rest : { ...rest, url: ctx.fileUrl(fileId) };
}

function idIn(answer: HttpResponse): string | null {
  try {
    const { id } = answer.json<{ id?: unknown }>();
    return typeof id === 'string' && id.length > 0 && id.length <= 500 ? id : null;
  } catch {
    return null;
  }
}
