import { ProviderFailure } from '#normalizer';
import type { MediaStream } from '#transport';
import type { AdapterContext } from '../core/adapter.js';
import type { ApiClient } from './api.js';
import { heldAt } from './inbound.js';
import { download, openUrl } from './media.js';

/**
 * Opens what a `ref` of `heldMedia` names. Pictures can be fetched by their address too, which accounts without the permission of
 * `media/get` need. Throws `ProviderFailure`.
 */
export async function openHeld<C extends { readonly apiBase: string }>(
  api: ApiClient<C>,
  ref: string,
  ctx: AdapterContext<C>,
): Promise<MediaStream> {
  const { id, url } = heldAt(ref);
  if (url === undefined) return download(api, id, ctx);
  if (id === '') return openUrl(url, ctx);
  return download(api, id, ctx).catch((error: unknown) => {
    if (error instanceof ProviderFailure && error.code !== 'unavailable') return openUrl(url, ctx);
    throw error;
  });
}
