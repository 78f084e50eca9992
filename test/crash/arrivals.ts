import { createHash } from 'node:crypto';
import type { Received } from '../support/index.js';

interface Known {
  /** Of the body: an id stands for one content. */
  readonly print: string;
  attempts: number;
  /** How many kills there had been when the request came that was taken last. */
  takenAfterKills: number | undefined;
}

/** What came to one of the fakes, by `webhook-id`, over the whole run. */
export class Arrivals {
  requests = 0;
  /** Those of an id that was taken before, unasked. */
  repeated = 0;
  private readonly known = new Map<string, Known>();

  constructor(
    private readonly name: string,
    private readonly fault: (what: string) => void,
  ) {}

  get size(): number {
    return this.known.size;
  }

  /** Has it been answered by 2xx? */
  isTaken(id: string): boolean {
    return this.known.get(id)?.takenAfterKills !== undefined;
  }

  /** Says whether this is the first time that it comes. `asked`: somebody asked for it to come again. */
  note({ id, raw, verified }: Received, { kills, asked }: { kills: number; asked: boolean }): boolean {
    this.requests += 1;
    const print = createHash('sha256').update(raw).digest('base64');
    const known = this.known.get(id);
    if (!verified) this.fault(`${this.name} was sent ${id} with a signature that does not stand`);
    if (!known) {
      this.known.set(id, { print, attempts: 1, takenAfterKills: undefined });
      return true;
    }
    known.attempts += 1;
    if (known.print !== print) this.fault(`${this.name} was sent ${id} with another content than before`);
    if (known.takenAfterKills === undefined) return false;
    if (asked) return false;
    this.repeated += 1;
    if (known.takenAfterKills === kills)
      this.fault(`${this.name} was sent ${id} again, after it had taken it and with no kill between`);
    return false;
  }

  /** It was answered by 2xx. Returns whether that was the first time. `kills`: as many as there were when it came; -1 where the answer got lost. */
  take(id: string, kills: number): boolean {
    const known = this.known.get(id)!;
    const first = known.takenAfterKills === undefined;
    known.takenAfterKills = kills;
    return first;
  }
}
