import type { Memory } from './memory.js';
import type { Outbox } from './outbox.js';
import type { Receipts } from './receipts.js';
import { withMessage, withStatus, type ChatState, type Store } from './store.js';
import type { TypingIn } from './typing.js';
import type { ChatMessage, Part, ServerFrame } from './wire.js';

type Frame<T extends ServerFrame['type']> = Extract<ServerFrame, { type: T }>;

interface InboxParts {
  store: Store<ChatState>;
  memory: Memory;
  outbox: Outbox;
  receipts: Receipts;
  typing: TypingIn;
}

/** Puts what arrives into the store: messages by `seq`, answers to the visitor's own by `clientId`. */
export class Inbox {
  private readonly listeners = new Set<(message: ChatMessage) => void>();

  constructor(private readonly to: InboxParts) {}

  /** Calls `run` with each message that arrives after the history, the visitor's own included. */
  onMessage(run: (message: ChatMessage) => void): () => void {
    this.listeners.add(run);
    return () => void this.listeners.delete(run);
  }

  message(message: ChatMessage): void {
    const { store, outbox, memory, typing, receipts } = this.to;
    const { messages, caughtUp } = store.state;
    const isNew = !messages.some((m) => m.seq === message.seq);
    store.update({ messages: withMessage(messages, message) });
    if (message.clientId) outbox.remove(message.clientId);
    if (message.from !== 'me') typing.stop();
    memory.keepMark('cursor', message.seq);
    if (!caughtUp) return;
    receipts.update();
    if (isNew) for (const run of this.listeners) run(message);
  }

  /** The visitor's own message is stored. Its echo may come too, before or after; both are the same `seq`. */
  accepted({ clientId, id, seq, at }: Frame<'accepted'>): void {
    const { store, outbox } = this.to;
    const entry = outbox.find(clientId);
    if (!entry || store.state.messages.some((m) => m.seq === seq)) return outbox.remove(clientId);
    const { parts } = entry;
    const own = { type: 'message', from: 'me', name: null, status: 'sent' } as const;
    this.message({ ...own, seq, id, clientId, at, parts, text: plain(parts) });
  }

  refused({ clientId, code, detail, retryAfterMs }: Frame<'refused'>): void {
    if (code === 'rate-limited' || code === 'unavailable' || code === 'prechat-required')
      this.to.outbox.postpone(clientId, retryAfterMs);
    else this.to.outbox.fail(clientId, { code, detail });
  }

  status({ seq, status }: Frame<'status'>): void {
    const { messages, readUpTo } = this.to.store.state;
    const theirs = messages.some((m) => m.seq === seq && m.from !== 'me');
    const read = theirs && status === 'read' ? Math.max(readUpTo, seq) : readUpTo;
    this.to.store.update({ messages: withStatus(messages, seq, status), readUpTo: read });
  }
}

function plain(parts: Part[]): string {
  const texts = parts.map((part) => ('text' in part ? part.text : 'label' in part ? part.label : ''));
  return texts.filter(Boolean).join('\n');
}
