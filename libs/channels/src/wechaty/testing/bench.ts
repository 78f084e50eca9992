import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { InboundEvent, type InboundEventInput, type OutboundUnit, type Part } from '#normalizer';
import type { AdapterContext, SocketContext, Standing } from '../../core/adapter.js';
import type { WechatyConfig } from '../wechaty.config.js';
import type { WechatySession } from '../wechaty.session.js';

/** One account as the gateway would hold it: what it reported and stored, and whether its connection was lost. */
export class AccountBench {
  readonly stored: InboundEvent[] = [];
  readonly standings: Standing[] = [];
  /** Kept from one connection to the next, as the database does. */
  readonly shared = new Map<string, string>();
  /** What keeping a value does besides. */
  remembering: () => Promise<void> = () => Promise.resolve();
  /** Does the database take reports? */
  reporting: () => boolean = () => true;
  /** What the store does: throws where the database is away. */
  storing: (events: readonly InboundEventInput[]) => void = () => undefined;
  /** What storing waits for. */
  before: () => Promise<void> = () => Promise.resolve();
  time = Date.parse('2026-11-21T09:30:00Z');
  lost: Error | undefined;
  private abort = new AbortController();

  constructor(
    readonly id: string,
    readonly config: WechatyConfig,
  ) {}

  readonly emit = async (events: readonly InboundEventInput[]): Promise<[]> => {
    this.storing(events);
    await this.before();
    this.stored.push(...events.map((event) => InboundEvent.parse(event)));
    return [];
  };

  /** For a new connection. */
  context(): SocketContext<WechatyConfig> {
    this.abort = new AbortController();
    this.lost = undefined;
    const { shared } = this;
    const context: Partial<SocketContext<WechatyConfig>> = {
      accountId: this.id,
      config: this.config,
      remember: async (key, value) => void (await this.remembering(), shared.set(key, value)),
      recall: async (key) => shared.get(key),
      openFile: async () => ({ stream: Readable.from([Buffer.from('PNG!')]), mimeType: 'image/png', name: 'a.png' }),
      now: () => this.time,
      signal: this.abort.signal,
      lost: (error) => {
        this.lost = error;
        this.abort.abort(error);
      },
      report: async (standing) => this.reporting() && this.standings.push(standing) > 0,
    };
    return context as SocketContext<WechatyConfig>;
  }

  /** The gateway lets go of the account. */
  end(): void {
    this.abort.abort(new Error('closed'));
  }

  with(session: WechatySession): AdapterContext<WechatyConfig, WechatySession> {
    return { ...this.context(), session } as AdapterContext<WechatyConfig, WechatySession>;
  }
}

/** Waits until it holds; fails after some seconds. */
export async function until(holds: () => boolean, what = String(holds), ms = 4_000): Promise<void> {
  for (let i = 0; i < ms / 10; i += 1) {
    if (holds()) return;
    await delay(10);
  }
  throw new Error(`it never came to be: ${what}`);
}

export function unitTo(thread: string, part: Part, text = part.type === 'text' ? part.text : 'rendered'): OutboundUnit {
  return {
    ...{ id: 'unt_1', messageId: 'msg_1', index: 0, count: 1, parts: [part], text, idempotencyKey: 'unt_1' },
    thread: { id: 'thr_1', externalId: thread, handles: [] },
  };
}
