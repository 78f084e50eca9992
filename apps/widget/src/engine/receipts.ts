import type { Memory } from './memory.js';
import { highest, type ChatState, type Store } from './store.js';
import type { ClientFrame } from './wire.js';

/** Tells the gateway what has arrived, and what a person has seen: the panel is open and the page is visible. */
export class Receipts {
  private isWatched = false;
  /** What the gateway has been told or knows by itself. */
  private delivered = 0;
  private read = 0;

  constructor(
    private readonly store: Store<ChatState>,
    private readonly memory: Memory,
    private readonly send: (frame: ClientFrame) => boolean,
  ) {}

  watched(on: boolean): void {
    this.isWatched = on;
    this.update();
  }

  /** A new socket: the gateway has this much as read, and what else was said may have been lost with the old one. */
  acknowledged(readUpTo: number): void {
    this.delivered = 0;
    this.read = readUpTo;
  }

  /** Acknowledges what has not been acknowledged yet. */
  update(): void {
    const { messages, readUpTo, caughtUp } = this.store.state;
    const last = highest(messages.filter((m) => m.from !== 'me'));
    if (!caughtUp || last === 0) return;
    const seen = this.isWatched ? last : Math.min(readUpTo, last);
    if (seen > readUpTo) {
      this.memory.keepMark('read', seen);
      this.store.update({ readUpTo: seen });
    }
    const delivered = last > this.delivered ? last : undefined;
    const read = seen > this.read ? seen : undefined;
    if (!(delivered || read) || !this.send({ type: 'ack', delivered, read })) return;
    this.delivered = last;
    this.read = Math.max(this.read, seen);
  }

  reset(): void {
    this.delivered = this.read = 0;
  }
}
