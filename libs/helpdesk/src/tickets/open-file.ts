import { ProviderFailure } from '#normalizer';
import { statusFailure, type HttpRequest, type MediaStream } from '#transport';
import type { ConnectorContext } from '../core/connector.js';

/** Opens a file of an answer at the ticket system. Throws `ProviderFailure`: `recipient-gone` where it is no longer there. */
export async function openAt(
  ctx: Pick<ConnectorContext<unknown>, 'http' | 'signal' | 'now'>,
  request: HttpRequest,
): Promise<MediaStream> {
  const answer = await ctx.http.stream({ signal: ctx.signal, ...request });
  const { status, headers, stream } = answer;
  if (status === 200) {
    const bytes = Number(headers['content-length']);
    const mimeType = headers['content-type'];
    return { stream, ...(mimeType && { mimeType }), ...(Number.isSafeInteger(bytes) && { bytes }) };
  }
  stream.destroy();
  if (status === 404 || status === 410)
    throw new ProviderFailure('recipient-gone', 'the ticket system no longer has the file');
  throw statusFailure(answer, ctx.now());
}
