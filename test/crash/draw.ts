/** Chances that fall the same way for the same names: each worker of a round has a draw of its own, so that their interleaving changes nothing. */
export class Draw {
  private state: number;

  constructor(...names: readonly (string | number)[]) {
    this.state = [...names.join('/')].reduce(
      (hash, char) => Math.imul(hash ^ char.codePointAt(0)!, 16_777_619),
      2_166_136_261,
    );
  }

  /** From 0 up to 1. https://github.com/cprosche/mulberry32 */
  unit(): number {
    this.state = (this.state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 up to this one. */
  below(limit: number): number {
    return Math.floor(this.unit() * limit);
  }

  chance(share: number): boolean {
    return this.unit() < share;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** One of the names, each as often as its weight says. */
  weighted<T extends string>(weights: Readonly<Record<T, number>>): T {
    const names = Object.keys(weights) as T[];
    let left = this.unit() * names.reduce((sum, name) => sum + weights[name], 0);
    return names.find((name) => (left -= weights[name]) < 0) ?? names[0]!;
  }

  shuffled<T>(list: readonly T[]): T[] {
    return list
      .map((item) => ({ item, place: this.unit() }))
      .sort((a, b) => a.place - b.place)
      .map(({ item }) => item);
  }
}

/** The draws of one round, by name. */
export type Draws = (...names: readonly (string | number)[]) => Draw;
