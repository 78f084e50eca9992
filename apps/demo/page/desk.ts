import type { Contact, Conversation, Message, MessageStatus, PartInput, StreamEvent } from '#normalizer';

/** An event as the demo helpdesk received it: `verified` by a signed webhook, else read from `GET /v1/events` after a restart. */
export interface Received {
  event: StreamEvent;
  verified: boolean;
  receivedAt: string;
  replay: boolean;
}

export interface Ticket {
  conversation: Conversation;
  contact: Contact | null;
  messages: Message[];
  /** Until when the customer is taken to be typing, ms since 1970. */
  typingUntil: number;
}

export interface DeskState {
  connected: boolean;
  /** Newest first. */
  events: readonly Received[];
  /** By conversation id; the one with the latest news last. */
  tickets: ReadonlyMap<string, Ticket>;
  /** The conversation a person has picked; null to follow the latest. */
  picked: string | null;
  problem: string | null;
}

const API = '/demo/helpdesk';
const TYPING_MS = 6_000;
const RANK: Record<MessageStatus, number> = { received: 0, queued: 0, sent: 1, failed: 2, delivered: 3, read: 4 };

/** What the helpdesk knows, made of the stream alone, and what it can do. */
export class Desk {
  state: DeskState = { connected: false, events: [], tickets: new Map(), picked: null, problem: null };
  private readonly watchers = new Set<() => void>();
  private lastTyping = 0;
  private typingSent: Promise<unknown> = Promise.resolve();
  /** The answer that may or may not have arrived. */
  private doubtful: { content: string; key: string } | null = null;

  watch(run: () => void): () => void {
    this.watchers.add(run);
    return () => void this.watchers.delete(run);
  }

  /** Follows the stream from now on; the browser reconnects by itself, and repeats are told by event id. */
  connect(): void {
    const source = new EventSource(`${API}/stream`);
    source.onopen = () => this.update({ connected: true, problem: null });
    source.onerror = () => this.update({ connected: false });
    source.addEventListener('stream', (message) => this.receive(JSON.parse(message.data as string) as Received));
    void this.call<{ items: Omit<Ticket, 'typingUntil'>[] }>('GET', '/conversations').then((list) => {
      const tickets = new Map(this.state.tickets);
      for (const item of [...(list?.items ?? [])].reverse()) {
        const known = tickets.get(item.conversation.id);
        tickets.set(item.conversation.id, merged(known ?? { ...item, typingUntil: 0 }, item.messages));
      }
      this.update({ tickets });
    });
  }

  /** The conversation that is shown. */
  get ticket(): Ticket | null {
    const { picked, tickets } = this.state;
    return tickets.get(picked ?? '') ?? [...tickets.values()].pop() ?? null;
  }

  /** Whether a customer has written elsewhere since. */
  get behind(): boolean {
    return this.ticket !== [...this.state.tickets.values()].pop();
  }

  /** Stays with a conversation; null: follows the latest one. */
  pick(id: string | null): void {
    this.update({ picked: id });
  }

  /** Whether the answer was taken. Tried again after no reply came, it carries the same key: it is not sent twice. */
  async answer(id: string, answer: { text: string } | { parts: PartInput[] }): Promise<boolean> {
    this.lastTyping = 0;
    await this.typingSent;
    const content = JSON.stringify([id, answer]);
    const key = this.doubtful?.content === content ? this.doubtful.key : randomKey();
    const { status } = await this.ask('POST', `/conversations/${id}/messages`, { content: answer, key });
    this.doubtful = status === 0 || status >= 500 ? { content, key } : null;
    return status > 0 && status < 300;
  }

  /** Uploads a file and sends it. */
  async sendFile(id: string, file: File): Promise<void> {
    const form = new FormData();
    form.append('file', file, file.name);
    const stored = await this.call<{ id: string; mimeType: string; bytes: number; name: string }>(
      'POST',
      '/files',
      form,
    );
    if (!stored) return;
    const { mimeType, bytes, name } = stored;
    const kind = /^(image|audio|video)\//.exec(mimeType)?.[1] as 'image' | 'audio' | 'video' | undefined;
    await this.answer(id, {
      parts: [{ type: 'media', kind: kind ?? 'file', fileId: stored.id, mimeType, bytes, name }],
    });
  }

  /** Lets the customer see that the agent types; at most every 3 s. */
  typing(id: string): void {
    if (Date.now() - this.lastTyping < TYPING_MS / 2) return;
    this.lastTyping = Date.now();
    this.typingSent = this.call('POST', `/conversations/${id}/typing`, {});
  }

  setStatus(id: string, status: 'open' | 'closed'): Promise<unknown> {
    return this.call('PATCH', `/conversations/${id}`, { status });
  }

  private receive(received: Received): void {
    const { type, data } = received.event;
    if (type.startsWith('typing.')) return this.typingChanged(data?.conversation?.id, type === 'typing.started');
    const events = inserted(this.state.events, received);
    const tickets = new Map(this.state.tickets);
    if (data?.conversation) {
      const key = data.conversation.id;
      const known = tickets.get(key) ?? {
        conversation: data.conversation,
        contact: null,
        messages: [],
        typingUntil: 0,
      };
      const ticket = { ...known, conversation: data.conversation, contact: data.contact ?? known.contact };
      if (type === 'message.received') tickets.delete(key);
      if (type === 'message.received') ticket.typingUntil = 0;
      tickets.set(key, merged(ticket, data.message ? [data.message] : []));
    } else if (data?.contact) {
      for (const [key, ticket] of tickets) {
        if (ticket.contact?.id === data.contact.id) tickets.set(key, { ...ticket, contact: data.contact });
      }
    }
    this.update({ events, tickets });
  }

  private typingChanged(conversationId: string | undefined, on: boolean): void {
    const ticket = this.state.tickets.get(conversationId ?? '');
    if (!ticket || !conversationId) return;
    const typingUntil = on ? Date.now() + TYPING_MS : 0;
    this.update({ tickets: new Map(this.state.tickets).set(conversationId, { ...ticket, typingUntil }) });
    if (on) setTimeout(() => this.update({}), TYPING_MS + 50);
  }

  private async call<T>(method: string, path: string, content?: unknown): Promise<T | null> {
    const { status, result } = await this.ask<T>(method, path, { content });
    return status > 0 && status < 300 ? result : null;
  }

  /** Status 0 where no answer came. What went wrong is told to the agent. */
  private async ask<T>(method: string, path: string, { content, key }: { content?: unknown; key?: string }) {
    const form = content instanceof FormData;
    const headers: Record<string, string> = form || content === undefined ? {} : { 'content-type': 'application/json' };
    if (key) headers['idempotency-key'] = key;
    const body = form ? content : content === undefined ? undefined : JSON.stringify(content);
    try {
      const answer = await fetch(API + path, { method, headers, body });
      const result = answer.status === 204 ? null : ((await answer.json()) as T & { detail?: string });
      this.update({ problem: answer.ok ? null : (result?.detail ?? `The helpdesk answered ${answer.status}.`) });
      return { status: answer.status, result };
    } catch {
      this.update({ problem: 'The helpdesk does not answer. Is the gateway running?' });
      return { status: 0, result: null };
    }
  }

  private update(patch: Partial<DeskState>): void {
    this.state = { ...this.state, ...patch };
    for (const run of this.watchers) run();
  }
}

/** The newest first, at most 500; known ones again only where they are replays, or came by a signed webhook now. */
function inserted(events: readonly Received[], received: Received): readonly Received[] {
  const before = events.findIndex(({ event }) => event.id === received.event.id);
  if (before >= 0 && !received.replay) {
    if (events[before]!.verified || !received.verified) return events;
    return events.map((held, at) => (at === before ? received : held));
  }
  const others = events.filter((_, at) => at !== before);
  const later = others.findIndex(({ receivedAt }) => receivedAt <= received.receivedAt);
  const at = later < 0 ? others.length : later;
  return [...others.slice(0, at), received, ...others.slice(at)].slice(0, 500);
}

/** `crypto.randomUUID` is there on secure pages only. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The ticket with newer snapshots of messages; a status never falls, since events may come late or again. */
function merged(ticket: Ticket, fresh: readonly Message[]): Ticket {
  const messages = new Map(ticket.messages.map((message) => [message.id, message]));
  for (const message of fresh) {
    const known = messages.get(message.id);
    const status = known && RANK[known.status] > RANK[message.status] ? known.status : message.status;
    messages.set(message.id, { ...message, status });
  }
  return { ...ticket, messages: [...messages.values()].sort((a, b) => a.sequence - b.sequence) };
}
