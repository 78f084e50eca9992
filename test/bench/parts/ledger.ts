import { now, writingIn, type Writing } from './messages.js';

/** What a run is to bring. */
export interface Expected {
  readonly run: string;
  readonly senders: number;
  /** Does each sender's own numbering ascend? Not where several connections write for one. */
  readonly ordered: boolean;
  /** How many messages, where the time of each is to be kept. */
  readonly timed?: number;
}

/** What arrived of it. */
export interface Account {
  /** Different messages. */
  readonly messages: number;
  /** Different events and messages to customers, those of a message among them. */
  readonly deliveries: number;
  /** Arrivals of what had arrived before. */
  readonly doubled: number;
  /** First arrivals that did not follow their predecessor in the conversation, by the stream's numbers or by the sender's own. */
  readonly disordered: number;
  /** Of the sampled ones, wrongly signed. */
  readonly forged: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** The parts of an event of the stream, or of a message to a customer, that are looked at. */
interface Told {
  readonly type: string;
  readonly sequence?: number | null;
  readonly text?: string;
  readonly data?: {
    readonly conversation?: { readonly id: string };
    readonly message?: { readonly text: string };
  } | null;
}

/** Keeps account of one run. What belongs to an earlier one is counted by nobody. */
export class Ledger {
  readonly arrivals: Float64Array;
  arrived = 0;
  readonly #seen = new Set<string>();
  readonly #sequences = new Map<string, number>();
  readonly #ordinals: Int32Array;
  readonly #account = { deliveries: 0, doubled: 0, disordered: 0, forged: 0, firstAt: NaN, lastAt: NaN };

  constructor(private readonly expected: Expected) {
    this.arrivals = new Float64Array(expected.timed ?? 0).fill(NaN);
    this.#ordinals = new Int32Array(expected.senders).fill(-1);
  }

  /** Which message of a load it tells of. */
  writing(told: Told): Writing | undefined {
    const text = told.type === 'message.received' ? told.data?.message?.text : told.text;
    return told.type === 'message.received' || told.type === 'message' ? writingIn(text ?? '') : undefined;
  }

  take(id: string, told: Told, { genuine, writing }: { genuine: boolean; writing: Writing | undefined }): void {
    if (writing && writing.run !== this.expected.run) return;
    if (!genuine) this.#account.forged += 1;
    if (this.#seenBefore(id)) return;
    this.#account.deliveries += 1;
    const follows = this.#followsInStream(told);
    if (writing && this.#seenBefore(`${told.type} ${writing.sender}-${writing.ordinal}`)) return;
    if (writing) this.#message(writing, follows);
    else if (!follows) this.#account.disordered += 1;
  }

  #message(writing: Writing, follows: boolean): void {
    const { senders, ordered } = this.expected;
    const { sender, ordinal } = writing;
    const at = now();
    if (this.arrived === 0) this.#account.firstAt = at;
    this.#account.lastAt = at;
    this.arrived += 1;
    const index = ordinal * senders + sender;
    if (index < this.arrivals.length) this.arrivals[index] = at;
    if (!follows || (ordered && ordinal < this.#ordinals[sender]!)) this.#account.disordered += 1;
    this.#ordinals[sender] = ordinal;
  }

  #seenBefore(what: string): boolean {
    const seen = this.#seen.has(what);
    if (seen) this.#account.doubled += 1;
    else this.#seen.add(what);
    return seen;
  }

  #followsInStream({ sequence, data }: Told): boolean {
    if (typeof sequence !== 'number' || !data?.conversation) return true;
    const { id } = data.conversation;
    const before = this.#sequences.get(id);
    this.#sequences.set(id, sequence);
    return before === undefined || sequence === before + 1;
  }

  account(): Account {
    return { messages: this.arrived, ...this.#account };
  }
}
