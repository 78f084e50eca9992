import type { ChatMessage, ServerFrame } from '#channels';
import type { ChatStore, ThreadState } from './chat-store.js';

/** A connection as a feed sees it. */
export interface Reader {
  /** Everything up to this place has been sent. */
  sentUpTo: number;
  send(frame: ServerFrame): void;
  /** Ask for a new hello. */
  restart(): void;
}

const PAGE = 100;
/** Own messages told to be read at once; a reload tells the rest. */
const MAX_STATUSES = 200;

/** The key of a thread by which browsers ask for it. */
export function nameOf({ accountId, externalId }: { accountId: string; externalId: string }): string {
  return `${accountId}\n${externalId}`;
}

/** One visitor's thread, as long as browsers look at it: what is stored is pushed to all of them, each message once and in order. */
export class ChatFeed {
  readonly readers = new Set<Reader>();
  threadId: string | null = null;
  /** As the feed last saw the thread. */
  sequence = 0;
  readTo = 0;
  private answered = 0;
  private dirty = false;
  private running: Promise<void> | null = null;

  constructor(
    readonly accountId: string,
    readonly externalId: string,
    private readonly store: ChatStore,
  ) {}

  get name(): string {
    return nameOf(this);
  }

  add(reader: Reader, state: ThreadState | undefined): void {
    if (state && this.readers.size === 0) this.remember(state);
    this.readers.add(reader);
  }

  broadcast(frame: ServerFrame, except?: Reader): void {
    for (const reader of this.readers) if (reader !== except) reader.send(frame);
  }

  /** Sends everything that is new; calls that come meanwhile are served by one more look. Rejects where the store cannot be read. */
  refresh(): Promise<void> {
    this.dirty = true;
    this.running ??= this.work().finally(() => {
      this.running = null;
      return this.dirty && this.readers.size > 0 ? this.refresh() : undefined;
    });
    return this.running;
  }

  private async work(): Promise<void> {
    while (this.dirty) {
      this.dirty = false;
      await this.look();
    }
  }

  private async look(): Promise<void> {
    if (this.readers.size === 0) return;
    const state = await (this.threadId
      ? this.store.state(this.threadId)
      : this.store.thread(this.accountId, this.externalId));
    if (!state) return;
    await this.pushMessages(state);
    await this.pushStatuses(state);
    this.remember(state);
  }

  private async pushMessages(state: ThreadState): Promise<void> {
    for (;;) {
      const from = Math.min(...[...this.readers].map((reader) => reader.sentUpTo));
      if (from >= state.sequence) return;
      const page = await this.store.messages(state, from, PAGE);
      for (const message of page) this.push(message);
      if (page.length < PAGE) return;
    }
  }

  private push(message: ChatMessage): void {
    for (const reader of this.readers) {
      if (reader.sentUpTo >= message.seq) continue;
      reader.sentUpTo = message.seq;
      reader.send(message);
    }
  }

  /** The helpdesk answered: what the visitor wrote before is read. Another tab read on: so have all. */
  private async pushStatuses(state: ThreadState): Promise<void> {
    if (state.answered > this.answered && this.threadId === state.id) {
      const range = { after: this.answered, upTo: state.answered, limit: MAX_STATUSES };
      const mine = await this.store.places(state.id, 'me', range);
      for (const { id, seq } of mine.reverse()) this.broadcast({ type: 'status', id, seq, status: 'read' });
    }
    if (state.readTo > this.readTo && this.threadId === state.id) {
      const range = { after: this.readTo, upTo: state.readTo, limit: 1 };
      const [last] = await this.store.places(state.id, 'them', range);
      if (last) this.broadcast({ type: 'status', ...last, status: 'read' });
    }
  }

  private remember({ id, sequence, readTo, answered }: ThreadState): void {
    this.threadId = id;
    Object.assign(this, { sequence, readTo, answered });
  }
}
