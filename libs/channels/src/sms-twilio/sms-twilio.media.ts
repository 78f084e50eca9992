import { ProviderFailure } from '#normalizer';
import { rebase, statusFailure, type HttpStream, type MediaStream } from '#transport';
import type { AdapterContext } from '../core/adapter.js';
import type { SmsTwilioConfig } from './sms-twilio.config.js';
import { authorization } from './sms-twilio.send.js';

/**
 * Opens a picture of an MMS (https://www.twilio.com/docs/messaging/api/media-resource). Credentials go to the provider's API alone, and only for media of this
 * very account; the address that it leads on to gets none. Throws `ProviderFailure`.
 */
export async function fetchMedia(ref: string, ctx: AdapterContext<SmsTwilioConfig>): Promise<MediaStream> {
  const { accountSid, apiBase } = ctx.config;
  const path = URL.canParse(ref) ? new URL(ref).pathname : '';
  if (!path.startsWith(`/2010-04-01/Accounts/${accountSid}/Messages/`))
    throw new ProviderFailure('recipient-gone', 'the address is none of media of this account');
  const headers = { authorization: authorization(ctx.config) };
  const first = await ctx.http.stream({ url: rebase(ref, apiBase), headers, signal: ctx.signal });
  const elsewhere = first.status >= 301 && first.status <= 308 ? first.headers['location'] : undefined;
  if (elsewhere === undefined) return opened(first, ctx.now());
  first.stream.destroy();
  if (!URL.canParse(elsewhere, ref))
    throw new ProviderFailure('unavailable', 'the media is at an address that is none');
  return opened(await ctx.http.stream({ url: new URL(elsewhere, ref).href, signal: ctx.signal }), ctx.now());
}

function opened(answer: HttpStream, now: number): MediaStream {
  const { status, headers, stream } = answer;
  if (status === 200) {
    const bytes = Number(headers['content-length']);
    return { stream, mimeType: headers['content-type'], ...(Number.isSafeInteger(bytes) && { bytes }) } as MediaStream;
  }
  stream.destroy();
  if (status === 404 || status === 410) throw new ProviderFailure('recipient-gone', 'Twilio no longer has the media');
  throw statusFailure(answer, now);
}
