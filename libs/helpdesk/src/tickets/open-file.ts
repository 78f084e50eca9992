import { ProviderFailure } from '#normalizer';
import { statusFailure, type HttpRequest, type HttpStream, type MediaStream } from '#transport';
import type { ConnectorContext } from '../core/connector.js';

/** Opens a file of an answer at the ticket system. Throws `ProviderFailure`: `recipient-gone` where it is no longer there. */
export async function openAt(
  ctx: Pick<ConnectorContext<unknown>, 'http' | 'signal' | 'now'>,
  request: HttpRequest,
): Promise<MediaStream> {
  return opened(await ctx.http.stream({ signal: ctx.signal, ...request }), ctx.now());
}

const MOST_REDIRECTS = 3;

/**
 * The same by an address that the system told, which may lead on to a store of others: the headers, which hold our credentials, go to the origin of `apiBase` alone.
 */
export async function openLinked(
  ctx: Pick<ConnectorContext<unknown>, 'http' | 'signal' | 'now'>,
  address: string,
  own: { readonly apiBase: string; readonly headers: Readonly<Record<string, string>> },
): Promise<MediaStream> {
  let url = address;
  for (let hops = 0; ; hops += 1) {
    const ours = URL.canParse(url) && new URL(url).origin === new URL(own.apiBase).origin;
    const answer = await ctx.http.stream({ signal: ctx.signal, url, ...(ours && { headers: own.headers }) });
    const location = answer.headers['location'];
    const leadsOn = answer.status >= 300 && answer.status <= 399 && location && URL.canParse(location, url);
    if (!leadsOn || hops === MOST_REDIRECTS) return opened(answer, ctx.now());
    answer.stream.destroy();
    url = new URL(location, url).href;
  }
}

function opened(answer: HttpStream, now: number): MediaStream {
  const { status, headers, stream } = answer;
  if (status === 200) {
    const bytes = Number(headers['content-length']);
    const mimeType = headers['content-type'];
    return { stream, ...(mimeType && { mimeType }), ...(Number.isSafeInteger(bytes) && { bytes }) };
  }
  stream.destroy();
  if (status === 404 || status === 410)
    throw new ProviderFailure('recipient-gone', 'the ticket system no longer has the file');
  throw statusFailure(answer, now);
}
