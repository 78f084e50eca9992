import type { Held } from './connector.js';

/** What the connectors of one process hold open, by destination and version of its settings. */
export class Holdings {
  private readonly held = new Map<string, Held>();

  /** What is held for this destination in this version; made by `open` where nothing is. */
  hold<T extends Held>(id: string, version: string, open: () => T): T {
    const key = keyOf(id, version);
    const known = this.held.get(key) as T | undefined;
    if (known) return known;
    const made = open();
    this.held.set(key, made);
    return made;
  }

  /** Closes what belongs to none of these destinations as they are now. */
  async keepOnly(current: readonly { readonly id: string; readonly version: string }[]): Promise<void> {
    const keys = new Set(current.map(({ id, version }) => keyOf(id, version)));
    const over = [...this.held].filter(([key]) => !keys.has(key));
    for (const [key] of over) this.held.delete(key);
    await Promise.all(over.map(([, held]) => held.close()));
  }

  close(): Promise<void> {
    return this.keepOnly([]);
  }
}

function keyOf(id: string, version: string): string {
  return JSON.stringify([id, version]);
}
