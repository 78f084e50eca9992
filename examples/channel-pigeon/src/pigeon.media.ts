import { type AdapterContext, type MediaStream, ProviderFailure, statusFailure } from 'tributary/channel-kit';
import type { PigeonConfig } from './pigeon.config.js';

/** Opens a photo by its id. Throws `ProviderFailure`; Pigeon keeps photos for a week. */
export async function fetchMedia(ref: string, ctx: AdapterContext<PigeonConfig>): Promise<MediaStream> {
  const answer = await ctx.http.stream({
    url: `${ctx.config.apiBase}/v1/photos/${encodeURIComponent(ref)}`,
    headers: { authorization: `Bearer ${ctx.config.apiKey}` },
    signal: ctx.signal,
  });
  const { status, headers, stream } = answer;
  if (status === 200) return { stream, ...(headers['content-type'] && { mimeType: headers['content-type'] }) };
  stream.destroy();
  if (status === 404) throw new ProviderFailure('recipient-gone', 'Pigeon no longer has the photo');
  throw statusFailure(answer, ctx.now());
}
