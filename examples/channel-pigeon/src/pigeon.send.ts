import {
  type AdapterContext,
  type Health,
  type HttpRequest,
  type HttpResponse,
  type OutboundUnit,
  type SendReceipt,
  statusFailure,
} from 'tributary/channel-kit';
import type { PigeonConfig } from './pigeon.config.js';
import { bodyOf, idIn } from './pigeon.messages.js';

type Context = AdapterContext<PigeonConfig>;

/** Sends one text or photo. */
export async function send(unit: OutboundUnit, ctx: Context): Promise<SendReceipt> {
  const answer = await call({ method: 'POST', url: '/v1/messages', body: bodyOf(unit, ctx.fileUrl) }, ctx);
  if (answer.status !== 200) throw statusFailure(answer, ctx.now());
  return { externalIds: [idIn(answer.json())] };
}

/** Reads the account. */
export async function check(ctx: Context): Promise<Health> {
  try {
    const { status } = await call({ url: '/v1/account' }, ctx);
    if (status === 200) return { ok: true, detail: 'Pigeon knows the key.' };
    if (status === 401) return { ok: false, detail: 'Pigeon refuses the key: copy apiKey anew from its settings.' };
    return { ok: false, detail: `Pigeon answered ${status}. Check apiBase, and try again later.` };
  } catch (error) {
    return {
      ok: false,
      detail: `Pigeon could not be asked: ${error instanceof Error ? error.message : 'unknown error'}.`,
    };
  }
}

/** A request to Pigeon's API, of a path below its root. */
export function call({ url, ...request }: HttpRequest, { http, config, signal }: Context): Promise<HttpResponse> {
  const headers = { authorization: `Bearer ${config.apiKey}` };
  return http.request({ ...request, url: `${config.apiBase}${url}`, headers, signal });
}
