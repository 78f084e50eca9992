export type HintListener = (payload: string) => void;

/** Hints within this process: all that the embedded database needs. */
export class LocalHints {
  readonly #listeners = new Map<string, Set<HintListener>>();

  constructor(protected readonly log: (message: string) => void) {}

  /** Can hints of other processes arrive at present? */
  arrive(): boolean {
    return true;
  }

  hint(channel: string, payload: string): void {
    queueMicrotask(() => this.deliver(channel, payload));
  }

  onHint(channel: string, listener: HintListener): () => void {
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
  }

  protected deliver(channel: string, payload: string): void {
    for (const listener of this.#listeners.get(channel) ?? []) {
      try {
        listener(payload);
      } catch (error) {
        this.log(`a listener for hints on ${channel} failed: ${String(error)}`);
      }
    }
  }
}
