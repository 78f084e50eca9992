import type { Contact, Conversation, Message, MessageStatus, StreamEvent } from '#normalizer';

/** An event as the page is told of it. */
export interface Received {
  readonly event: StreamEvent;
  /** Came by a signed webhook, not by reading `GET /v1/events` after a restart. */
  readonly verified: boolean;
  readonly receivedAt: string;
  readonly replay: boolean;
}

interface Ticket {
  conversation: Conversation;
  contact: Contact | null;
  sequence: number;
  readonly messages: Map<string, Message>;
}

const KEPT_EVENTS = 500;
const KEPT_IDS = 20_000;
const KEPT_TICKETS = 1_000;
const RANK: Record<MessageStatus, number> = { received: 0, queued: 0, sent: 1, failed: 2, delivered: 3, read: 4 };

/** What the demo helpdesk knows, made of the stream alone and kept in memory. */
export class Desk {
  private readonly seen = new Set<string>();
  private readonly tickets = new Map<string, Ticket>();
  private readonly listeners = new Set<(received: Received) => void>();
  private readonly closers = new Set<() => void>();
  private held: Received[] = [];

  /** Takes an event in; whoever listens is told, unless it was taken before: a replay, and the webhook of what was read, are told again. */
  take(received: Received): void {
    const { event, replay, verified } = received;
    const isLive = event.type.startsWith('typing.');
    if (this.seen.has(event.id) && !replay && !(verified && this.isUnproven(event.id))) return;
    if (!isLive) this.keep(received);
    for (const listener of this.listeners) listener(received);
  }

  /** What is held, oldest first. */
  events(): readonly Received[] {
    return this.held;
  }

  /** The latest snapshots, the conversation with the latest news first. */
  conversations() {
    const tickets = [...this.tickets.values()].reverse();
    return tickets.map(({ conversation, contact, messages }) => ({
      conversation,
      contact,
      messages: [...messages.values()].sort((a, b) => a.sequence - b.sequence),
    }));
  }

  /** Tells of each event, and of the end; what is returned stops that. */
  listen(listener: (received: Received) => void, ended: () => void): () => void {
    this.listeners.add(listener);
    this.closers.add(ended);
    return () => {
      this.listeners.delete(listener);
      this.closers.delete(ended);
    };
  }

  close(): void {
    for (const ended of [...this.closers]) ended();
  }

  private isUnproven(id: string): boolean {
    return this.held.some(({ event, verified }) => event.id === id && !verified);
  }

  private keep(received: Received): void {
    const { event } = received;
    this.seen.add(event.id);
    if (this.seen.size > KEPT_IDS) this.seen.delete(this.seen.values().next().value!);
    const at = received.replay ? -1 : this.held.findIndex((held) => held.event.id === event.id);
    if (at >= 0) this.held = this.held.with(at, received);
    else this.held = [...this.held.filter((held) => held.event.id !== event.id), received].slice(-KEPT_EVENTS);
    if (event.data?.conversation) this.file(event, event.data.conversation);
    else if (event.data?.contact) this.renew(event.data.contact);
  }

  private file({ data, sequence }: StreamEvent, conversation: Conversation): void {
    const known = this.tickets.get(conversation.id);
    const ticket: Ticket = known ?? { conversation, contact: null, sequence: 0, messages: new Map() };
    if ((sequence ?? 0) >= ticket.sequence) {
      Object.assign(ticket, {
        conversation,
        contact: data?.contact ?? ticket.contact,
        sequence: sequence ?? ticket.sequence,
      });
    }
    const { message } = data ?? {};
    const before = message && ticket.messages.get(message.id);
    if (message && (!before || RANK[message.status] >= RANK[before.status])) ticket.messages.set(message.id, message);
    if (message?.direction === 'inbound') this.tickets.delete(conversation.id);
    this.tickets.set(conversation.id, ticket);
    if (this.tickets.size > KEPT_TICKETS) this.tickets.delete(this.tickets.keys().next().value!);
  }

  private renew(contact: Contact): void {
    for (const ticket of this.tickets.values()) if (ticket.contact?.id === contact.id) ticket.contact = contact;
  }
}
