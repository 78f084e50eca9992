/** One part of a long SMS, as its user data header names it (3GPP TS 23.040 section 9.2.3.24.1). */
export interface MessagePart {
  readonly from: string;
  readonly to: string;
  readonly reference: number;
  readonly total: number;
  /** Its place, from 1. */
  readonly number: number;
  readonly text: string;
}

/** A long message as far as it is there: `missing` are the places of parts that did not come in time, which `text` marks by `[…]`. */
export interface Joined<P extends MessagePart> {
  readonly parts: readonly P[];
  readonly text: string;
  readonly missing: readonly number[];
}

interface Gathering<P> {
  readonly parts: Map<number, P>;
  readonly since: number;
}

const ONE_MINUTE = 60_000;
/** Stands for parts that never came, so that nobody takes what is left for all that was written. */
const GAP = '[…]';

/**
 * Joins parts that a provider hands over one by one, in whatever order, repeated or not. A reference is used again soon (there are 256 of the short kind),
 * so what is not complete `waitMs` after its first part is given out as it is, with its gaps. Holds at most `most` messages: beyond, the oldest goes.
 */
export class LongMessages<P extends MessagePart> {
  private readonly waiting = new Map<string, Gathering<P>>();

  constructor(
    private readonly options: { readonly now: () => number; readonly waitMs?: number; readonly most?: number },
  ) {}

  /** Takes a part. Returns the message once it is whole, and before it every message that has waited too long. */
  add(part: P): Joined<P>[] {
    const late = this.overdue();
    if (part.total <= 1 || part.number < 1 || part.number > part.total) return [...late, joined([part], 1)];
    const key = JSON.stringify([part.from, part.to, part.reference, part.total]);
    const gathering = this.waiting.get(key) ?? { parts: new Map<number, P>(), since: this.options.now() };
    if (!gathering.parts.has(part.number)) gathering.parts.set(part.number, part);
    this.waiting.set(key, gathering);
    if (gathering.parts.size === part.total) {
      this.waiting.delete(key);
      return [...late, joined([...gathering.parts.values()], part.total)];
    }
    return this.waiting.size > (this.options.most ?? 10_000) ? [...late, ...this.oldest()] : late;
  }

  /** Gives out what has waited too long. To be called now and then, also while nothing comes. */
  overdue(): Joined<P>[] {
    const before = this.options.now() - (this.options.waitMs ?? ONE_MINUTE);
    return this.give(([, { since }]) => since <= before);
  }

  /** The parts that wait for others, to be kept. */
  held(): P[] {
    return [...this.waiting.values()].flatMap(({ parts }) => [...parts.values()]);
  }

  private oldest(): Joined<P>[] {
    const [key] = this.waiting.keys();
    return this.give(([candidate]) => candidate === key);
  }

  private give(wanted: (entry: [string, Gathering<P>]) => boolean): Joined<P>[] {
    const given = [...this.waiting].filter(wanted);
    return given.map(([key, { parts }]) => {
      this.waiting.delete(key);
      const [first] = parts.values();
      return joined([...parts.values()], first?.total ?? 1);
    });
  }
}

function joined<P extends MessagePart>(unordered: readonly P[], total: number): Joined<P> {
  const parts = [...unordered].sort((a, b) => a.number - b.number);
  const places = new Set(parts.map(({ number }) => number));
  const missing =
    total === 1 ? [] : Array.from({ length: total }, (_, i) => i + 1).filter((place) => !places.has(place));
  const marks = missing.filter((place) => !missing.includes(place - 1)).map((number) => ({ number, text: GAP }));
  const texts = [...parts, ...marks].sort((a, b) => a.number - b.number).map(({ text }) => text);
  return { parts, text: texts.join(''), missing };
}
