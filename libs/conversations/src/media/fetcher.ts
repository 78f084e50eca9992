import type { Database, Statement } from '#database';
import { ProviderFailure } from '#normalizer';
import type { Readable } from 'node:stream';
import { FileRefused } from './file-refused.js';
import type { Files } from './files.js';
import { settleFile } from './settle-file.js';

/** Bytes as a provider gives them. */
export interface IncomingMedia {
  readonly stream: Readable;
  readonly mimeType?: string | undefined;
  readonly name?: string | undefined;
}

/** The way to bytes that are not ours yet; given by the gateway. */
export interface MediaSource {
  /**
   * Opens what a media part of the account's channel named by `ref` or `url`: `adapter.fetchMedia` where the channel has it, else a guarded GET.
   * Throws `ProviderFailure`.
   */
  open(accountId: string, ref: string, signal: AbortSignal): Promise<IncomingMedia>;
  /** Accounts whose files only the holder of their connection can fetch, and that is not this process: theirs are left to it. */
  elsewhere?(): readonly string[];
}

interface Claimed {
  readonly id: string;
  readonly messageId: string;
  readonly accountId: string;
  readonly ref: string;
  readonly mimeType: string;
  readonly name: string | null;
  readonly attempts: number;
}

export interface FetcherOptions {
  readonly database: Database;
  readonly files: Files;
  readonly source: MediaSource;
  readonly log?: { warn(details: object, message: string): void };
  /** Files fetched at once. */
  readonly concurrency?: number;
  /** Milliseconds between looks for work that no hint announced. */
  readonly everyMs?: number;
  /** Seconds to wait after the first, second, ... failed attempt; after the last one the file is unavailable. */
  readonly retryAfterS?: readonly number[];
}

const FETCH_MS = 5 * 60_000;
const RETRY_AFTER_S = [2, 10, 60, 300, 1_800, 7_200];

/** Claimed for longer than one attempt takes: whoever dies with a claim is followed by the next look after it. */
const CLAIM: Statement = {
  name: 'file_claim',
  text: `update file set attempts = attempts + 1, due_at = now() + interval '6 minutes' where id in (
      select id from file where state = 'pending' and message_id is not null and due_at <= now() and account_id <> all ($2) order by due_at limit $1 for update skip locked)
    returning id, message_id as "messageId", account_id as "accountId", ref, mime_type as "mimeType", name, attempts`,
};
const LATER: Statement = {
  name: 'file_later',
  text: `update file set due_at = now() + make_interval(secs => $2) where id = $1 and state = 'pending'`,
};

/** Fetches the bytes of pending files after their messages are committed, and tries again where that may help. */
export class Fetcher {
  private readonly stopped = new AbortController();
  private readonly running = new Set<Promise<void>>();
  private readonly end: (() => void)[] = [];
  private looking: Promise<void> | null = null;
  private again = false;

  constructor(private readonly options: FetcherOptions) {}

  start(): void {
    const timer = setInterval(() => this.wake(), this.options.everyMs ?? 5_000);
    timer.unref();
    this.end.push(
      () => clearInterval(timer),
      this.options.database.onHint('files', () => this.wake()),
    );
    this.wake();
  }

  /** Stops taking work, aborts what is under way (it is taken up again later) and waits for it. */
  async stop(): Promise<void> {
    for (const end of this.end.splice(0)) end();
    this.stopped.abort();
    await this.looking;
    await Promise.all(this.running);
  }

  /** Looks for work now. */
  wake(): void {
    this.again = true;
    if (this.stopped.signal.aborted) return;
    this.looking ??= this.look().finally(() => {
      this.looking = null;
      if (this.again) this.wake();
    });
  }

  private async look(): Promise<void> {
    this.again = false;
    const free = (this.options.concurrency ?? 4) - this.running.size;
    if (free <= 0) return;
    const claimed = await this.options.database
      .query<Claimed & Record<string, unknown>>(CLAIM, [free, this.options.source.elsewhere?.() ?? []])
      .catch((error: Error) => {
        this.options.log?.warn({ err: error }, 'pending files could not be read');
        return [];
      });
    for (const file of claimed) {
      const work = this.handle(file)
        .catch((error: Error) =>
          this.options.log?.warn({ err: error, fileId: file.id }, 'a fetched file could not be settled'),
        )
        .finally(() => {
          this.running.delete(work);
          this.wake();
        });
      this.running.add(work);
    }
  }

  private async handle(file: Claimed): Promise<void> {
    try {
      const { mimeType, name } = file;
      const signal = AbortSignal.any([this.stopped.signal, AbortSignal.timeout(FETCH_MS)]);
      const media = await this.options.source.open(file.accountId, file.ref, signal);
      const about = { name: name ?? media.name, declaredType: media.mimeType ?? mimeType, accountId: file.accountId };
      const received = await this.options.files.receive(media.stream, about, file.id);
      const settled = await settleFile(this.options.database, file, { ...received, state: 'ready' });
      // Erased while it was on its way.
      if (!settled && (await this.options.files.find([file.id])).length === 0)
        await this.options.files.discard(received);
    } catch (error) {
      await this.failed(file, error as Error);
    }
  }

  private async failed(file: Claimed, error: Error): Promise<void> {
    if (this.stopped.signal.aborted) return void (await this.options.database.query(LATER, [file.id, 0]));
    const waits = this.options.retryAfterS ?? RETRY_AFTER_S;
    const wait = waits[file.attempts - 1];
    const retryable = !(error instanceof FileRefused) && !(error instanceof ProviderFailure && isFinal(error));
    this.options.log?.warn(
      { fileId: file.id, attempt: file.attempts, error: error.name, retryable },
      'a file could not be fetched',
    );
    if (!retryable || wait === undefined) {
      await settleFile(this.options.database, file, { state: 'unavailable', reason: reasonOf(error) });
      return;
    }
    const asked = error instanceof ProviderFailure ? (error.retryAfterMs ?? 0) / 1_000 : 0;
    await this.options.database.query(LATER, [file.id, Math.max(wait, Math.min(asked, 86_400))]);
  }
}

/** Reading again is harmless, so only what will not change by itself is final. */
function isFinal({ code }: ProviderFailure): boolean {
  return code === 'content-refused' || code === 'recipient-gone' || code === 'config-invalid';
}

function reasonOf(error: Error): string {
  return error instanceof FileRefused || error instanceof ProviderFailure
    ? error.message
    : 'the file could not be fetched';
}
