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

/**
 * Shares the senders out: each belongs to one connection, so that what they write is in order; where there are more connections than senders, all write
 * for all, and no order is theirs.
 */
export function tracksFor(
  connections: number,
  { senders, ...options }: Omit<TrackOptions, 'senders'> & { readonly senders: number },
): Track[] {
  const all = Array.from({ length: senders }, (_, i) => i);
  if (senders < connections) return new Array<Track>(connections).fill(new Track({ ...options, senders: all }));
  return Array.from(
    { length: connections },
    (_, line) => new Track({ ...options, senders: all.filter((sender) => sender % connections === line) }),
  );
}
