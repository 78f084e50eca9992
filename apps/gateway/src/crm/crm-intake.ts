import type { ArrivingEvent, IntakePort, StoredItem } from '#conversations';
import { handleKey, type Handle } from '#normalizer';
import type { Logger } from 'pino';
import type { Flight } from './lookups.js';
import type { Found, Senders } from './senders.js';

export interface CrmIntakeParts {
  readonly intake: IntakePort;
  readonly senders: Senders;
  /** Is it worth to wait for the CRM at all? */
  readonly hopeful: () => boolean;
  /** From the first question on, milliseconds. */
  readonly budgetMs: number;
  readonly now?: () => number;
  readonly log: Logger;
}

type Message = Extract<ArrivingEvent, { kind: 'message' }>;

/** A message of somebody whom the CRM may know. */
interface Asked {
  readonly message: Message;
  readonly handles: readonly Handle[];
  shown?: Found;
}

interface Arrival {
  readonly accountId: string;
  readonly events: readonly ArrivingEvent[];
  readonly cursor: { name: string; value: string } | undefined;
  readonly asked: readonly Asked[];
}

/** Calls that wait at most; beyond it nobody waits for the CRM. */
const MOST_LANES = 4_096;

/**
 * Intake that asks the CRM who writes. A message of somebody of whom nothing fresh is known waits for the answer, no longer than the budget; it keeps its place among those of its thread and its
 * sender, and nobody else waits for it. What is not known by then is shown on the contact later.
 */
export class CrmIntake implements IntakePort {
  /** By thread and by sender, the last call that waits: it is over once the store has the call. */
  private readonly lanes = new Map<string, Promise<void>>();
  private readonly now: () => number;

  constructor(private readonly parts: CrmIntakeParts) {
    this.now = parts.now ?? (() => performance.now());
  }

  accept(
    accountId: string,
    events: readonly ArrivingEvent[],
    cursor?: { name: string; value: string },
  ): Promise<StoredItem[]> {
    const asked = this.asked(events);
    if (asked.length === 0 && this.lanes.size === 0) return this.parts.intake.accept(accountId, events, cursor);
    const arrival = { accountId, events, cursor, asked };
    const flights = asked.flatMap(({ handles }) => this.parts.senders.ask(handles));
    const awaited = this.parts.hopeful() && this.lanes.size < MOST_LANES ? flights.filter((f) => this.left(f) > 0) : [];
    const lanes = this.lanes.size > 0 || awaited.length > 0 ? lanesOf(accountId, events) : [];
    const before = lanes.flatMap((lane) => this.lanes.get(lane) ?? []);
    if (awaited.length === 0 && before.length === 0) return this.handOver(arrival).stored;
    return this.wait(arrival, { lanes, before: [...before, ...awaited.map((flight) => this.within(flight))] });
  }

  private asked(events: readonly ArrivingEvent[]): Asked[] {
    const asked: Asked[] = [];
    for (const event of events) {
      if (event.kind !== 'message' || event.from !== 'contact') continue;
      const handles = this.parts.senders.askable(event.sender.handles);
      if (handles.length > 0) asked.push({ message: event, handles });
    }
    return asked;
  }

  private async wait(
    arrival: Arrival,
    { lanes, before }: { lanes: readonly string[]; before: readonly Promise<unknown>[] },
  ): Promise<StoredItem[]> {
    const handed = Promise.all(before)
      .then(() => this.complete(arrival))
      .then((completed) => this.handOver(completed));
    const over = handed.then(
      () => {},
      () => {},
    );
    for (const lane of lanes) this.lanes.set(lane, over);
    void over.then(() => {
      for (const lane of lanes) if (this.lanes.get(lane) === over) this.lanes.delete(lane);
    });
    return (await handed).stored;
  }

  /** Puts to the messages what is known of their senders by now. */
  private async complete(arrival: Arrival): Promise<Arrival> {
    const findings = new Map<ArrivingEvent, ArrivingEvent>();
    for (const one of arrival.asked) {
      const found = this.parts.senders.who(one.handles);
      if (!found || found.known.applied) continue;
      try {
        findings.set(one.message, { ...one.message, crm: await this.parts.senders.finding(found) });
        one.shown = found;
      } catch (error) {
        this.parts.log.debug({ err: error }, 'the company of a sender could not be stored yet');
      }
    }
    return { ...arrival, events: arrival.events.map((event) => findings.get(event) ?? event) };
  }

  /** `stored` is not awaited by whoever waits for the lane: order is kept from here on by the store. */
  private handOver({ accountId, events, cursor, asked }: Arrival): { stored: Promise<StoredItem[]> } {
    const stored = this.parts.intake.accept(accountId, events, cursor);
    return { stored: asked.length === 0 ? stored : stored.then((items) => this.follow(asked, items)) };
  }

  private follow(asked: readonly Asked[], items: StoredItem[]): StoredItem[] {
    try {
      for (const { message, handles, shown } of asked) {
        const item = items.find(({ dedupeKey }) => dedupeKey === message.dedupeKey);
        if (item?.contactId) this.parts.senders.stored(item.contactId, handles, item.duplicate ? undefined : shown);
      }
    } catch (error) {
      this.parts.log.error({ err: error }, 'what the CRM says of a sender is lost; the message is stored');
    }
    return items;
  }

  private left({ startedAt }: Flight): number {
    return this.parts.budgetMs - (this.now() - startedAt);
  }

  /** The first attempt of a look-up, or the end of its budget. */
  private within(flight: Flight): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.left(flight));
      void flight.first.then(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

/** What must stay in order: the messages of a thread, and those of a sender. A claim is another sender than whose it is, who waits for nobody's claims. */
function lanesOf(accountId: string, events: readonly ArrivingEvent[]): string[] {
  const lanes = events.flatMap((event) => [
    ...('thread' in event ? [`${accountId} ${event.thread}`] : []),
    ...('sender' in event ? event.sender.handles.map((handle) => laneOf(accountId, handle)) : []),
  ]);
  return [...new Set(lanes)];
}

function laneOf(accountId: string, handle: Handle): string {
  return `${accountId} ${handle.proof === 'claimed' ? '?' : '!'}${handleKey(handle)}`;
}
