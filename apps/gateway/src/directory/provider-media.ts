import type { IncomingMedia, MediaSource } from '#conversations';
import { ProviderFailure } from '#normalizer';
import type { Directory } from './directory.js';

/** The way to media that a provider still holds. */
export class ProviderMedia implements MediaSource {
  constructor(private readonly directory: Directory) {}

  async open(accountId: string, ref: string, signal: AbortSignal): Promise<IncomingMedia> {
    const account = this.directory.account(accountId);
    if (!account) throw new ProviderFailure('config-invalid', `there is no account ${accountId}`);
    const context = this.directory.adapterContext(account, { signal });
    if (account.adapter.fetchMedia) return account.adapter.fetchMedia(ref, context);
    const { status, headers, stream } = await context.http.stream({ url: ref, signal });
    if (status === 200) return { stream, mimeType: headers['content-type'] };
    stream.destroy();
    const gone = status === 403 || status === 404 || status === 410;
    throw new ProviderFailure(gone ? 'recipient-gone' : 'unavailable', `the file's address answered ${status}`);
  }
}
