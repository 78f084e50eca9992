import { createHash, randomUUID } from 'node:crypto';
import type { InboundEventInput } from '#normalizer';
import type { AdapterContext, Emit } from '../core/adapter.js';
import { LongMessages, type Joined, type MessagePart } from '../sms/long-message.js';
import { receivedEvents } from '../sms/received.js';
import { decode } from './coding.js';
import type { Answer } from './link.js';
import { readMessage } from './message.js';
import { senderOf } from './numbers.js';
import { MalformedPdu, Status, type Pdu } from './pdu.js';
import { isReport, reportEvents } from './receipt.js';
import { userDataOf } from './segments.js';
import type { SmsSmppConfig } from './sms-smpp.config.js';

type Context = Pick<
  AdapterContext<SmsSmppConfig>,
  'accountId' | 'config' | 'once' | 'forget' | 'remember' | 'recall' | 'now'
>;

/** One part of a long message: `digest` names it as it came, `kept` the shared value that holds it. */
interface Part extends MessagePart {
  readonly digest: string;
  readonly kept: string;
}

/** Events, and the names of shared values that are of no use any more once they are stored. */
interface Arrival {
  readonly events: readonly InboundEventInput[];
  readonly spent: readonly string[];
}

/** Read so far, or what is left to do once everything that came with it has been read. */
type Reading = Arrival | (() => Promise<Arrival>);

interface Waiting {
  readonly read: () => Promise<Reading>;
  /** Resolves with whether the other side was told. */
  readonly done: Answer;
  /** What is stored with it was acknowledged before. */
  readonly owed?: Joined<Part>;
}

const NOTHING: Arrival = { events: [], spent: [] };
/** A message centre that got no answer comes again within this time. */
const AGAIN_MS = 3_600_000;
/** Parts are kept for those that are still under way, also while the gateway starts anew. */
const PARTS_MS = 600_000;
/** Parts that were acknowledged and wait for others; whoever connects next takes them over. */
const WAITING = 'smpp:waiting';
const WAITING_MS = 7 * 86_400_000;
/** Nobody writes more by hand; what claims to be longer is put together from what comes over one connection. */
const MOST_LOOKED_FOR = 20;
const MOST_TOGETHER = 100;
const SWEEP_MS = 5_000;

/**
 * What comes in over the connections of an account: read, put together and stored in the order in which it came, then acknowledged.
 *
 * SMPP names no message. What is acknowledged and what comes again because it was not are told apart by a name that is drawn for it before it is stored,
 * shared under the digest of the message, and forgotten once it is acknowledged: what finds a name is the same message again.
 *
 * Parts of long messages are acknowledged one by one, so those that wait are kept all together, before the acknowledgement, for whoever connects next.
 */
export class Inbox {
  private readonly queue: Waiting[] = [];
  private readonly parts: LongMessages<Part>;
  /** Given out with gaps, and not stored yet. */
  private readonly owed = new Set<Joined<Part>>();
  private kept = '[]';
  private readonly sweeping: NodeJS.Timeout;
  /** Until then parts can have been acknowledged that this inbox does not hold. */
  private looksUntil: number;
  /** How many of the same digest are being stored now. */
  private readonly under = new Map<string, number>();
  private readonly looked = new Set<string>();
  private working = false;
  private closed = false;

  constructor(
    private readonly emit: Emit,
    private readonly ctx: Context,
  ) {
    this.looksUntil = ctx.now() + PARTS_MS;
    this.parts = new LongMessages<Part>({ now: ctx.now });
    this.sweeping = setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  /** Takes a deliver_sm or data_sm, and answers it once everything of it is stored. Never throws. */
  receive(pdu: Pdu, answer: Answer): void {
    this.enqueue(() => this.read(pdu), answer);
  }

  /** Takes over what waited when the last connection ended. To be called before anything is received. Throws where it cannot be known. */
  async begin(): Promise<void> {
    this.kept = (await this.ctx.recall(WAITING)) ?? '[]';
    const late = (JSON.parse(this.kept) as Part[]).flatMap((part) => this.parts.add(part));
    for (const joined of late) this.late(joined);
  }

  close(): void {
    this.closed = true;
    clearInterval(this.sweeping);
  }

  /** Stores what has waited too long for its other parts. */
  private sweep(): void {
    for (const joined of this.parts.overdue()) this.late(joined);
  }

  /** It was acknowledged part by part, so it is tried until it is stored. */
  private late(joined: Joined<Part>): void {
    const again = () => setTimeout(() => this.late(joined), SWEEP_MS).unref();
    this.owed.add(joined);
    this.enqueue(
      () => this.messageOf(joined),
      (status) => {
        if (status !== Status.ok && !this.closed) again();
        return Promise.resolve(true);
      },
      joined,
    );
  }

  private enqueue(read: () => Promise<Reading>, done: Answer, owed?: Joined<Part>): void {
    this.queue.push({ read, done, ...(owed && { owed }) });
    if (!this.working) void this.work();
  }

  private async work(): Promise<void> {
    this.working = true;
    while (this.queue.length > 0) await this.store(this.queue.splice(0, MOST_TOGETHER));
    this.working = false;
  }

  /** Stores what came together at once; where that fails, all of it is to come again. */
  private async store(together: readonly Waiting[]): Promise<void> {
    this.under.clear();
    const readings = await Promise.all(together.map(({ read }) => attempt(read)));
    const arrivals: Outcome<Arrival>[] = [];
    for (const reading of readings)
      arrivals.push(typeof reading.value === 'function' ? await attempt(reading.value) : (reading as Outcome<Arrival>));
    const emitted = await this.emitted(arrivals.flatMap(({ value }) => value?.events ?? []));
    if (emitted) for (const { owed } of together) if (owed) this.owed.delete(owed);
    const stored = emitted && (await this.keep());
    const over = await Promise.all(
      together.map(async ({ done }, i) => {
        const { value, status } = arrivals[i]!;
        const told = await done(stored ? status : Status.temporary);
        return told && stored ? (value?.spent ?? []) : [];
      }),
    );
    await Promise.all(over.flat().map((name) => this.ctx.forget(name).catch(() => undefined)));
    if (stored) return;
    this.looksUntil = this.ctx.now() + PARTS_MS;
    this.looked.clear();
  }

  private async emitted(events: readonly InboundEventInput[]): Promise<boolean> {
    try {
      if (events.length > 0) await this.emit([...events]);
      return true;
    } catch {
      return false;
    }
  }

  /** Keeps the parts that wait, and those that are owed, as they are now. */
  private async keep(): Promise<boolean> {
    const parts = [...this.parts.held(), ...[...this.owed].flatMap(({ parts: owed }) => owed)];
    const now = JSON.stringify(parts);
    if (now === this.kept) return true;
    try {
      await this.ctx.remember(WAITING, now, WAITING_MS);
      this.kept = now;
      return true;
    } catch {
      return false;
    }
  }

  private async read(pdu: Pdu): Promise<Reading> {
    const message = readMessage(pdu);
    const { config } = this.ctx;
    if (isReport(message)) return { events: reportEvents(message, config.messageIds), spent: [] };
    const { octets, place, ports, tables } = userDataOf(message);
    const { alphabet } = config;
    const text = ports ? null : decode(octets, message.dataCoding, { alphabet, tables });
    const from = senderOf(message.source, config);
    const digest = hash(pdu.body);
    if (!place || text === null) return this.named(digest, from, text);
    const to = message.destination.address;
    const kept = nameOf({ ...place, from, to }, place.number);
    return this.part({ ...place, from, to, text, digest, kept });
  }

  /** Keeps a part, so that it can be acknowledged at once: some message centres send the next one only then. */
  private async part(part: Part): Promise<Reading> {
    await this.ctx.once(part.kept, PARTS_MS, () => Promise.resolve(JSON.stringify(part)));
    return () => this.joined(part);
  }

  private async joined(part: Part): Promise<Arrival> {
    let whole: Joined<Part> | undefined;
    const take = (one: Part) => {
      for (const joined of this.parts.add(one))
        if (joined.missing.length === 0) whole = joined;
        else this.late(joined);
    };
    take(part);
    if (!whole) (await this.keptBefore(part)).forEach(take);
    return whole ? this.messageOf(whole) : NOTHING;
  }

  /** Parts of the same message that were acknowledged before this connection was made: looked for once a message, for a while. */
  private async keptBefore(part: Part): Promise<Part[]> {
    const first = nameOf(part, 1);
    if (this.ctx.now() > this.looksUntil || part.total > MOST_LOOKED_FOR || this.looked.has(first)) return [];
    this.looked.add(first);
    const others = Array.from({ length: part.total }, (_, i) => i + 1).filter((number) => number !== part.number);
    const none = () => Promise.reject(new Error('none'));
    const kept = await Promise.all(
      others.map((number) => this.ctx.once(nameOf(part, number), 1, none).catch(() => null)),
    );
    return kept.flatMap((text) => (text === null ? [] : (JSON.parse(text) as Part)));
  }

  private async messageOf({ parts, text }: Joined<Part>): Promise<Arrival> {
    const digest = hash(parts.map((part) => part.digest).join());
    const { events, spent } = await this.named(digest, parts[0]!.from, text);
    return { events, spent: [...spent, ...parts.map(({ kept }) => kept)] };
  }

  /** The events of a message under the name that it has, or is given now. */
  private async named(digest: string, from: string, text: string | null): Promise<Arrival> {
    const { accountId, config } = this.ctx;
    const before = this.under.get(digest) ?? 0;
    this.under.set(digest, before + 1);
    const name = `smpp:message:${digest}:${before}`;
    const key = await this.ctx.once(name, AGAIN_MS, () => Promise.resolve(randomUUID()));
    const media = text === null ? [{ type: 'unsupported' as const, providerType: 'binary SMS' }] : [];
    const sms = { key, externalIds: [], from, text: text ?? '', media };
    return { events: receivedEvents(sms, { accountId, digits: 'short', consent: config.consent }), spent: [name] };
  }
}

interface Outcome<T> {
  readonly value?: T;
  readonly status: number;
}

/** What cannot be read is refused for good; what cannot be kept is to come again. */
async function attempt<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await work(), status: Status.ok };
  } catch (error) {
    return { status: error instanceof MalformedPdu ? Status.permanent : Status.temporary };
  }
}

/** Where a part of a long message is kept. */
function nameOf(
  { from, to, reference, total }: Pick<Part, 'from' | 'to' | 'reference' | 'total'>,
  number: number,
): string {
  return `smpp:part:${hash([from, to, reference, total].join('\n'))}:${number}`;
}

function hash(of: string | Buffer): string {
  return createHash('sha256').update(of).digest('base64url');
}
