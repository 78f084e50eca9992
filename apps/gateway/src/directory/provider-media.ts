import type { IncomingMedia, MediaSource } from '#conversations';
import { ProviderFailure } from '#normalizer';
import type { Http } from '#transport';
import type { Directory } from './directory.js';

/** The connections of accounts that this process holds. */
interface Sessions {
  of(accountId: string): { readonly session: unknown } | undefined;
}

/** The way to media that a provider still holds. One byte more than `maxBytes` is read: whoever stores it sees that it is too much, and refuses it. */
export class ProviderMedia implements MediaSource {
  private sessions: Sessions | undefined;

  constructor(
    private readonly directory: Pick<Directory, 'account' | 'accounts' | 'adapterContext'>,
    private readonly maxBytes: number,
  ) {}

  /** Gives the connections that this process holds. */
  over(sessions: Sessions): void {
    this.sessions = sessions;
  }

  elsewhere(): string[] {
    const { sessions } = this;
    if (!sessions) return [];
    const bound = this.directory.accounts().filter(({ enabled, adapter }) => enabled && adapter.ingress.socket?.sends);
    return bound.flatMap(({ id }) => (sessions.of(id) ? [] : id));
  }

  async open(accountId: string, ref: string, signal: AbortSignal): Promise<IncomingMedia> {
    const account = this.directory.account(accountId);
    if (!account) throw new ProviderFailure('config-invalid', `there is no account ${accountId}`);
    const unlimited = this.directory.adapterContext(account, {
      signal,
      session: this.sessions?.of(accountId)?.session,
    });
    const context = { ...unlimited, http: upTo(this.maxBytes + 1, unlimited.http) };
    if (account.adapter.fetchMedia) return account.adapter.fetchMedia(ref, context);
    const { status, headers, stream } = await context.http.stream({ url: ref, signal });
    if (status === 200) return { stream, mimeType: headers['content-type'] };
    stream.destroy();
    const gone = status === 403 || status === 404 || status === 410;
    throw new ProviderFailure(gone ? 'recipient-gone' : 'unavailable', `the file's address answered ${status}`);
  }
}

/** Reads no more than `maxBytes` of what is streamed, whatever is asked for. */
function upTo(maxBytes: number, http: Http): Http {
  return {
    request: (request) => http.request(request),
    stream: (request) =>
      http.stream({ ...request, maxBytes: Math.min(request.maxBytes ?? maxBytes, maxBytes), overflow: 'cut' }),
  };
}
