import type { Writing } from './messages.js';

export interface Ready {
  readonly writing: Writing;
  readonly request: Buffer;
}

interface TrackOptions {
  readonly run: string;
  /** Who writes on it, in turn. */
  readonly senders: readonly number[];
  /** So many of each, then the track ends. */
  readonly perSender?: number | undefined;
  readonly make: (writing: Writing) => Buffer;
}

/** The messages that one connection writes, in order; most of them made before the clock runs. */
export class Track {
  readonly #made: Ready[] = [];
  #next = 0;
  #ended = 0;

  constructor(private readonly options: TrackOptions) {}

  prepare(count: number): void {
    for (let i = 0; i < count; i += 1) {
      const ready = this.#make();
      if (!ready) return;
      this.#made.push(ready);
    }
  }

  next(): Ready | undefined {
    return this.#ended < this.#made.length ? this.#made[this.#ended++] : this.#make();
  }

  #make(): Ready | undefined {
    const { run, senders, perSender = Infinity, make } = this.options;
    const ordinal = Math.floor(this.#next / senders.length);
    if (ordinal >= perSender) return undefined;
    const writing = { run, sender: senders[this.#next % senders.length]!, ordinal };
    this.#next += 1;
    return { writing, request: make(writing) };
  }
}

/** Those senders whose number leaves `index` when it is divided by `of`. */
export interface Share {
  readonly index: number;
  readonly of: number;
}

interface Plan extends Omit<TrackOptions, 'senders'> {
  readonly senders: number;
  readonly share?: Share;
}

/**
 * Shares the senders out: each belongs to one connection, so that what they write is in order; where there are more connections than senders, all write
 * for all, and no order is theirs.
 */
export function tracksFor(connections: number, { senders, share = { index: 0, of: 1 }, ...options }: Plan): Track[] {
  const mine = Array.from(
    { length: Math.ceil((senders - share.index) / share.of) },
    (_, i) => share.index + i * share.of,
  );
  if (mine.length < connections) return new Array<Track>(connections).fill(new Track({ ...options, senders: mine }));
  const shared = Array.from({ length: connections }, (): number[] => []);
  mine.forEach((sender, i) => shared[i % connections]!.push(sender));
  return shared.map((ours) => new Track({ ...options, senders: ours }));
}
