import type { RepliesPort } from '#conversations';
import type { Database } from '#database';
import { ChatFeed, nameOf, type Reader } from './chat-feed.js';
import type { ChatStore, ThreadState } from './chat-store.js';

/** Between looks for what no hint told, milliseconds; and while hints of other processes do not arrive. */
const POLL_MS = 10_000;
const DEAF_POLL_MS = 1_000;
/** Receipts of one thread are gathered for so long. */
const ACK_MS = 250;

export interface ChatFeedsParts {
  readonly database: Pick<Database, 'hint' | 'onHint' | 'hintsArrive'>;
  readonly store: ChatStore;
  readonly replies: Pick<RepliesPort, 'acknowledge'>;
  readonly log: { warn(fields: object, message: string): void };
  readonly pollMs?: number;
}

interface Ack {
  delivered: number;
  read: number;
}

/** All threads that browsers look at, in this process. One poll, one listener and one timer serve them all. */
export class ChatFeeds {
  private readonly byName = new Map<string, ChatFeed>();
  private readonly byThread = new Map<string, ChatFeed>();
  private readonly acks = new Map<string, Ack>();
  private readonly end: (() => void)[] = [];
  private flushing: NodeJS.Timeout | null = null;
  private polling = false;
  private looked = 0;

  constructor(private readonly parts: ChatFeedsParts) {}

  start(): void {
    const { database, pollMs = POLL_MS } = this.parts;
    const timer = setInterval(() => this.tick(pollMs), Math.min(pollMs, DEAF_POLL_MS)).unref();
    this.end.push(
      () => clearInterval(timer),
      database.onHint('thread', (threadId) => this.changed(threadId)),
      database.onHint('typing', (payload) => this.typing(payload)),
      database.onHint('chat-moved', (name) => this.moved(name)),
      database.onHint('chat-begun', (name) => this.begun(name)),
      database.onHint('heard-again', () => (this.looked = -Infinity)),
    );
  }

  /** Stops listening, and stores the receipts that wait. */
  async stop(): Promise<void> {
    for (const end of this.end.splice(0)) end();
    if (this.flushing) clearTimeout(this.flushing);
    await this.flush();
  }

  join(name: { accountId: string; externalId: string }, reader: Reader, state: ThreadState | undefined): ChatFeed {
    const key = nameOf(name);
    let feed = this.byName.get(key);
    if (!feed) this.byName.set(key, (feed = new ChatFeed(name.accountId, name.externalId, this.parts.store)));
    feed.add(reader, state);
    if (state) this.byThread.set(state.id, feed);
    return feed;
  }

  leave(feed: ChatFeed, reader: Reader): void {
    feed.readers.delete(reader);
    if (feed.readers.size > 0) return;
    if (this.byName.get(feed.name) === feed) this.byName.delete(feed.name);
    if (feed.threadId && this.byThread.get(feed.threadId) === feed) this.byThread.delete(feed.threadId);
  }

  /** Pushes what is new; a store that cannot be read is asked again by the poll. */
  async refresh(feed: ChatFeed): Promise<void> {
    await feed.refresh().catch((error: unknown) => {
      feed.sequence = -1;
      this.parts.log.warn({ err: error }, 'a chat thread could not be read');
    });
    if (feed.threadId && feed.readers.size > 0) this.byThread.set(feed.threadId, feed);
  }

  acknowledge(threadId: string, upTo: Partial<Ack>): void {
    const ack = this.acks.get(threadId) ?? { delivered: 0, read: 0 };
    this.acks.set(threadId, {
      delivered: Math.max(ack.delivered, upTo.delivered ?? 0),
      read: Math.max(ack.read, upTo.read ?? 0),
    });
    this.flushing ??= setTimeout(() => void this.flush(), ACK_MS);
  }

  /** The visitor has become somebody: whoever still looks at the old thread says hello again. In all processes. */
  announceMoved(name: { accountId: string; externalId: string }): void {
    this.parts.database.hint('chat-moved', nameOf(name));
  }

  /** The visitor has written for the first time: who looked before there was a thread sees it. In all processes. */
  announceBegun(name: { accountId: string; externalId: string }): void {
    this.parts.database.hint('chat-begun', nameOf(name));
  }

  private async flush(): Promise<void> {
    this.flushing = null;
    const acks = [...this.acks];
    this.acks.clear();
    for (const [threadId, upTo] of acks) {
      try {
        await this.parts.replies.acknowledge(threadId, upTo);
        this.parts.database.hint('thread', threadId);
      } catch (error) {
        this.parts.log.warn({ err: error }, 'receipts of a chat thread could not be stored; the browser repeats them');
      }
    }
  }

  private changed(threadId: string): void {
    const feed = this.byThread.get(threadId);
    if (feed) void this.refresh(feed);
  }

  private begun(key: string): void {
    const feed = this.byName.get(key);
    if (feed?.threadId === null) void this.refresh(feed);
  }

  private moved(key: string): void {
    for (const reader of this.byName.get(key)?.readers ?? []) reader.restart();
  }

  private typing(payload: string): void {
    const { threadId, on, name } = JSON.parse(payload) as { threadId: string; on: boolean; name?: string | null };
    this.byThread.get(threadId)?.broadcast({ type: 'typing', on, name: name ?? null });
  }

  /** Looks when it is time, at every tick while hints do not arrive, and once more when they arrive again. */
  private tick(pollMs: number): void {
    if (this.parts.database.hintsArrive() && performance.now() - this.looked < pollMs) return;
    this.looked = performance.now();
    void this.poll();
  }

  private async poll(): Promise<void> {
    if (this.polling || this.byName.size === 0) return;
    this.polling = true;
    try {
      for (const name of await this.parts.store.changed([...this.byName.values()])) {
        const feed = this.byName.get(nameOf(name));
        if (name.moved) this.moved(nameOf(name));
        else if (feed) await this.refresh(feed);
      }
    } catch (error) {
      this.parts.log.warn({ err: error }, 'chat threads could not be looked at');
    } finally {
      this.polling = false;
    }
  }
}
