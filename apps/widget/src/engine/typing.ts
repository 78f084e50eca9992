import type { Platform } from './platform.js';
import type { ChatState, Store } from './store.js';

const REPEAT_MS = 3_000;
const EXPIRE_MS = 6_000;

/** Tells the other side that the visitor is typing: at most every 3 s, and that it is over 6 s after the last key. */
export class TypingOut {
  private last = -Infinity;
  private cancelExpiry: (() => void) | null = null;

  constructor(
    private readonly platform: Platform,
    private readonly send: (on: boolean) => unknown,
  ) {}

  touch(): void {
    this.cancelExpiry?.();
    this.cancelExpiry = this.platform.after(EXPIRE_MS, () => this.stop());
    const now = this.platform.now();
    if (now - this.last < REPEAT_MS) return;
    this.last = now;
    this.send(true);
  }

  stop(): void {
    this.cancelExpiry?.();
    this.cancelExpiry = null;
    if (this.last === -Infinity) return;
    this.last = -Infinity;
    this.send(false);
  }
}

/** Shows that the other side is typing, for 6 s unless it is said again. */
export class TypingIn {
  private cancelExpiry: (() => void) | null = null;

  constructor(
    private readonly platform: Platform,
    private readonly store: Store<ChatState>,
  ) {}

  set(on: boolean, name: string | null): void {
    this.stop();
    if (!on) return;
    this.store.update({ typing: { name } });
    this.cancelExpiry = this.platform.after(EXPIRE_MS, () => this.stop());
  }

  stop(): void {
    this.cancelExpiry?.();
    this.cancelExpiry = null;
    if (this.store.state.typing) this.store.update({ typing: null });
  }
}
