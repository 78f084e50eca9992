import type { Platform } from './platform.js';
import type { Problem } from './store.js';
import type { Part } from './wire.js';

/** An outgoing message as it is kept over a reload. */
export interface KeptMessage {
  clientId: string;
  parts: Part[];
  /** When it was written, ms since 1970. */
  at: number;
  problem?: Problem;
}

interface Session {
  token: string;
  /** Made by the browser for each visitor, shared by its tabs: tokens are renewed, this says whether the visitor is the same. */
  visit: string;
}

/** What a visitor's browser remembers: the session, how far it has read, and what it has not got accepted yet. Shared by all tabs. */
export class Memory {
  constructor(
    private readonly platform: Platform,
    private readonly prefix: string,
  ) {}

  session(): Session | null {
    return this.read<Session>('session');
  }

  keepSession(session: Session): void {
    this.write('session', session);
  }

  /** Highest `seq` that any tab has shown to a person, and highest that any tab has received. */
  mark(name: 'read' | 'cursor'): number {
    return this.read<number>(name) ?? 0;
  }

  keepMark(name: 'read' | 'cursor', seq: number): void {
    if (seq > this.mark(name)) this.write(name, seq);
  }

  dropMarks(): void {
    for (const name of ['read', 'cursor']) this.platform.storage.remove(this.prefix + name);
  }

  outgoing(): KeptMessage[] {
    const kept = this.platform.storage
      .keys()
      .filter((key) => key.startsWith(`${this.prefix}out:`))
      .map((key) => this.read<KeptMessage>(key.slice(this.prefix.length)))
      .filter((message) => message !== null);
    return kept.sort((a, b) => a.at - b.at);
  }

  keepOutgoing(message: KeptMessage): void {
    this.write(`out:${message.clientId}`, message);
  }

  dropOutgoing(clientId: string): void {
    this.platform.storage.remove(`${this.prefix}out:${clientId}`);
  }

  /** Removes every trace of the visitor. */
  forget(): void {
    for (const key of this.platform.storage.keys()) {
      if (key.startsWith(this.prefix)) this.platform.storage.remove(key);
    }
  }

  /** Calls `run` when another tab has changed the session or the read mark. */
  onChange(run: () => void): void {
    this.platform.onStorage((key) => {
      if (key === null || key === `${this.prefix}session` || key === `${this.prefix}read`) run();
    });
  }

  private read<T>(name: string): T | null {
    const text = this.platform.storage.get(this.prefix + name);
    if (text === null) return null;
    try {
      return JSON.parse(text) as T;
    } catch {
      return null;
    }
  }

  private write(name: string, value: unknown): void {
    this.platform.storage.set(this.prefix + name, JSON.stringify(value));
  }
}
