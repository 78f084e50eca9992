import type { StreamEvent } from '#normalizer';
import type { OutboundPost, Received } from '../support/index.js';
import { Arrivals } from './arrivals.js';

/** The lattice of CONTRACT section 3, written down once more. */
const RANKS = ['queued', 'sent', 'failed (outcome-unknown)', 'delivered', 'failed', 'read'];

interface Told {
  /** Of the last event. */
  sequence: number;
  /** Of the last message. */
  messages: number;
  /** Its last events. */
  recent: string[];
}

interface Reply {
  readonly text: string;
  /** Status in the stream. */
  status: string | undefined;
}

/**
 * What the outside did and was told, set against what the store tells and what arrived at the far sides. Every promise that is broken becomes a fault. It
 * holds ids alone, so that a run may be long.
 */
export class Ledger {
  readonly faults: string[] = [];
  kills = 0;
  readonly desk = new Arrivals('the helpdesk', (what) => this.fault(what));
  readonly provider = new Arrivals('the provider', (what) => this.fault(what));
  /** Ids of stored messages, by the provider's ids, as they were acknowledged. */
  readonly acknowledged = new Map<string, string>();
  private readonly stored = new Map<string, string>();
  private readonly places = new Map<string, { conversationId: string; sequence: number }>();
  private readonly events = new Set<string>();
  private readonly conversations = new Map<string, Told>();
  private readonly replies = new Map<string, Reply>();
  private readonly accepted = new Map<string, string>();
  /** The highest status of each reply that the provider reported and the gateway acknowledged, by the reply's text. */
  private readonly reports = new Map<string, string>();
  private readonly units = new Map<string, string>();
  private readonly lastSent = new Map<string, number>();
  private readonly arrived = new Map<string, number>();
  private readonly replays = new Map<string, { owed: number; taken: number }>();
  /** What was not yet seen to have become as it must. */
  private readonly open = { writes: new Set<string>(), events: new Set<string>(), replies: new Set<string>() };

  fault(what: string): void {
    this.faults.push(what);
  }

  get counts(): Record<string, number> {
    const { desk, provider } = this;
    return {
      ...{ kills: this.kills, messages: this.acknowledged.size, replies: this.accepted.size, events: this.events.size },
      ...{ conversations: this.conversations.size, deliveries: desk.requests, redelivered: desk.repeated },
      ...{ sends: provider.requests, resent: provider.repeated },
    };
  }

  /** A write was answered by 200 with the id of the stored message. */
  written(externalId: string, id: string): void {
    const before = this.acknowledged.get(externalId);
    if (before !== undefined && before !== id) this.fault(`${externalId} was answered with ${before}, then with ${id}`);
    this.acknowledged.set(externalId, id);
    if (!this.stored.has(externalId)) this.open.writes.add(externalId);
  }

  /** A reply was answered by 202 with the id of its message. Its text is used once. */
  replied(text: string, id: string): void {
    const before = this.accepted.get(text);
    if (before !== undefined && before !== id) this.fault(`"${text}" was accepted as ${before}, then as ${id}`);
    this.accepted.set(text, id);
    if (this.replies.has(id)) return;
    this.replies.set(id, { text, status: undefined });
    this.open.replies.add(id);
  }

  /** A receipt was answered by 200. */
  receipted(text: string, status: string): void {
    if (rank(status) > rank(this.reports.get(text))) this.reports.set(text, status);
    const id = this.accepted.get(text);
    if (id !== undefined) this.open.replies.add(id);
  }

  /** A replay of a conversation was answered: so many of its events come once more. */
  replayed(conversationId: string, count: number): void {
    this.replayOf(conversationId).owed += count;
  }

  /** One event more, in the order in which the stream is pulled. */
  tell(event: StreamEvent): void {
    const { id, type, sequence, data } = event;
    if (this.events.has(id)) return this.fault(`the stream tells ${id} twice`);
    this.events.add(id);
    this.open.events.add(id);
    const conversationId = data?.conversation?.id;
    if (conversationId !== undefined && sequence !== null) {
      const told = this.tellOf(conversationId);
      if (sequence !== told.sequence + 1)
        this.fault(`${conversationId}: event ${sequence} (${type}) comes after ${told.sequence} in the store`);
      told.sequence = sequence;
      told.recent = [...told.recent.slice(-9), id];
    }
    if (data?.message) this.tellMessage(type, data.message);
  }

  arrivedAtDesk(request: Received<StreamEvent>): void {
    const { id, headers, json } = request;
    const replay = headers['tributary-replay'] === 'true';
    this.desk.note(request, { kills: this.kills, asked: replay });
    const conversationId = json.data?.conversation?.id;
    if (replay && !this.desk.isTaken(id)) this.fault(`${id} is a replay, and was never delivered before`);
    if (conversationId === undefined || json.sequence === null) return;
    const up = this.arrived.get(conversationId) ?? 0;
    if (json.sequence > up + 1)
      this.fault(`${conversationId}: event ${json.sequence} (${json.type}) came while only ${up} had been taken`);
  }

  takenAtDesk({ id, headers, json }: Received<StreamEvent>, kills: number): void {
    const first = this.desk.take(id, kills);
    const conversationId = json.data?.conversation?.id;
    if (conversationId === undefined || json.sequence === null) return;
    if (first) this.arrived.set(conversationId, Math.max(json.sequence, this.arrived.get(conversationId) ?? 0));
    if (headers['tributary-replay'] === 'true') this.replayOf(conversationId).taken += 1;
  }

  /** Replies are numbered: `... #7`. Within a thread their numbers rise. */
  arrivedAtProvider(request: Received<OutboundPost>): void {
    const { id, json } = request;
    const first = this.provider.note(request, { kills: this.kills, asked: false });
    const unit = this.units.get(json.text);
    if (unit !== undefined && unit !== id) this.fault(`"${json.text}" was sent as ${unit} and as ${id}`);
    this.units.set(json.text, id);
    if (!first) return;
    const number = Number(/#(\d+)$/.exec(json.text)?.[1]);
    const last = this.lastSent.get(json.thread) ?? 0;
    if (number <= last) this.fault(`${json.thread}: reply ${number} was sent after reply ${last}`);
    this.lastSent.set(json.thread, number);
  }

  takenAtProvider({ id }: Received<OutboundPost>, kills: number): void {
    this.provider.take(id, kills);
  }

  /** What is not yet as it must become, or nothing. */
  unrest(): string[] {
    const { writes, events, replies } = this.open;
    for (const externalId of writes) if (this.stored.has(externalId)) writes.delete(externalId);
    for (const id of events) if (this.desk.isTaken(id)) events.delete(id);
    for (const id of replies) if (this.isThrough(id)) replies.delete(id);
    const standing = [...replies].map(
      (id) => `${id} ("${this.replies.get(id)!.text}", ${this.replies.get(id)!.status})`,
    );
    const unreplayed = [...this.replays].filter(([, { owed, taken }]) => taken < owed);
    return [
      ...some([...writes], 'messages were acknowledged and are not in the stream'),
      ...some([...events], 'events did not come to the helpdesk'),
      ...some(standing, 'replies did not come to the provider, or stand lower than it reported'),
      ...some(
        unreplayed.map(([id, { owed, taken }]) => `${id}: ${taken} of ${owed}`),
        'replays did not come',
      ),
    ];
  }

  /** What holds once everything is at rest. `orders`: messages of each customer, each written after the one before was acknowledged. */
  close(orders: Iterable<readonly string[]>): void {
    this.faults.push(...this.unrest());
    for (const [externalId, id] of this.stored) {
      const acknowledged = this.acknowledged.get(externalId);
      if (acknowledged !== id) this.fault(`${externalId} is stored as ${id}, and was acknowledged as ${acknowledged}`);
    }
    for (const [id, { text, status }] of this.replies)
      if (status !== this.reported(text))
        this.fault(`${id} ("${text}") ended as ${status}, not as ${this.reported(text)}`);
    for (const text of this.units.keys())
      if (!this.accepted.has(text)) this.fault(`"${text}" was sent, and never accepted`);
    if (this.desk.size !== this.events.size)
      this.fault(`the helpdesk knows ${this.desk.size} events, the store ${this.events.size}`);
    for (const order of orders) this.checkOrder(order);
  }

  /** What the stream tells of every conversation. */
  get told(): ReadonlyMap<string, Readonly<Told>> {
    return this.conversations;
  }

  /** The reply came to the provider, and stands as high as it reported. */
  private isThrough(id: string): boolean {
    const { text, status } = this.replies.get(id)!;
    return this.provider.isTaken(this.units.get(text) ?? '') && rank(status) >= rank(this.reported(text));
  }

  private reported(text: string): string {
    return this.reports.get(text) ?? 'sent';
  }

  private checkOrder(order: readonly string[]): void {
    let last: { conversationId: string; sequence: number } | undefined;
    for (const externalId of order) {
      const place = this.places.get(externalId);
      if (!place) continue;
      if (last?.conversationId === place.conversationId && last.sequence >= place.sequence)
        this.fault(`${externalId} was written after an acknowledged message, and stands before it`);
      last = place;
    }
  }

  private tellMessage(type: string, message: NonNullable<NonNullable<StreamEvent['data']>['message']>): void {
    const { id, conversationId, sequence, externalIds, status, failure } = message;
    const told = this.tellOf(conversationId);
    if (type === 'message.received' || type === 'message.queued') {
      if (sequence !== told.messages + 1)
        this.fault(`${conversationId}: message ${sequence} comes after ${told.messages}`);
      told.messages = sequence;
    }
    if (type === 'message.received') {
      const [externalId = ''] = externalIds;
      if (this.stored.has(externalId))
        this.fault(`${externalId} is stored as ${this.stored.get(externalId)} and as ${id}`);
      this.stored.set(externalId, id);
      this.places.set(externalId, { conversationId, sequence });
    } else if (message.direction === 'outbound') {
      const reply = this.replies.get(id);
      if (!reply) return this.fault(`${id} was queued, and no reply was accepted by that id`);
      const now = failure?.code === 'outcome-unknown' ? `${status} (outcome-unknown)` : status;
      if (rank(now) <= rank(reply.status)) this.fault(`${id} moved from ${reply.status} to ${now}`);
      reply.status = now;
    }
  }

  private tellOf(conversationId: string): Told {
    const told = this.conversations.get(conversationId) ?? { sequence: 0, messages: 0, recent: [] };
    this.conversations.set(conversationId, told);
    return told;
  }

  private replayOf(conversationId: string): { owed: number; taken: number } {
    const found = this.replays.get(conversationId) ?? { owed: 0, taken: 0 };
    this.replays.set(conversationId, found);
    return found;
  }
}

function rank(status: string | undefined): number {
  return status === undefined ? -1 : RANKS.indexOf(status);
}

function some(found: readonly string[], what: string): string[] {
  return found.length === 0 ? [] : [`${found.length} ${what}, first: ${found[0]}`];
}
