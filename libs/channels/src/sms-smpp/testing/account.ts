import { parseInbound, type InboundEvent, type OutboundUnit, type ProviderFailure } from '#normalizer';
import { addressGuard, guardedDial } from '#transport';
import type { SocketContext } from '../../core/adapter.js';
import { fit } from '../../core/fit.js';
import type { SmppSession } from '../session.js';
import { smsSmpp } from '../sms-smpp.adapter.js';
import { smsSmppConfig, type SmsSmppConfig } from '../sms-smpp.config.js';

/** An account of the tests: what it is given, and what it gave out. */
export class Account {
  readonly events: InboundEvent[] = [];
  readonly lost: Error[] = [];
  session!: SmppSession;
  /** What storing does. */
  store: () => Promise<void> = () => Promise.resolve();
  /** Can shared values be kept? */
  keeps = true;
  /** The account's clock, milliseconds. */
  now = Date.parse('2026-11-21T09:30:00Z');
  readonly config: SmsSmppConfig;
  private units = 0;

  constructor(
    port: number,
    more: object = {},
    /** What all processes share. */
    readonly shared = new Map<string, Promise<string>>(),
  ) {
    const plain = { host: '127.0.0.1', systemId: 'shop', password: 'secret', from: '80808', timeoutMs: 2_000 };
    this.config = smsSmppConfig.parse({ ...plain, port, ...more });
  }

  get context(): SocketContext<SmsSmppConfig> {
    return {
      accountId: 'sms',
      config: this.config,
      dial: guardedDial(addressGuard(['127.0.0.1'])),
      once: (key: string, _ttlMs: number, make: () => Promise<string>) => {
        const value = this.shared.get(key) ?? make();
        this.shared.set(key, value);
        value.catch(() => this.shared.delete(key));
        return value;
      },
      forget: async (key: string) => void this.shared.delete(key),
      remember: async (key: string, value: string) => {
        if (!this.keeps) throw new Error('the database is away');
        this.shared.set(key, Promise.resolve(value));
      },
      recall: async (key: string) => {
        if (!this.keeps) throw new Error('the database is away');
        return this.shared.get(key);
      },
      now: () => this.now,
      signal: new AbortController().signal,
      lost: (error: Error) => void this.lost.push(error),
      report: () => undefined,
    } as unknown as SocketContext<SmsSmppConfig>;
  }

  async open(): Promise<this> {
    this.session = await smsSmpp.ingress.socket!.open(async (inputs) => {
      await this.store();
      this.events.push(...inputs.map((input) => parseInbound(input)));
      return [];
    }, this.context);
    return this;
  }

  close(): Promise<void> {
    return this.session.close();
  }

  /** The texts of the messages that came in. */
  get texts(): string[] {
    return this.events.flatMap((event) =>
      event.kind === 'message' && event.parts[0]?.type === 'text' ? [event.parts[0].text] : [],
    );
  }

  unit(text: string, to = '+4915112345678'): OutboundUnit {
    const [unit] = fit({ parts: [{ type: 'text', text }] }, smsSmpp.capabilities);
    const id = `unt_${(this.units += 1)}`;
    const handles = [{ scheme: 'phone' as const, scope: '', value: to, proof: 'channel' as const }];
    const thread = { id: 'thr_1', externalId: to, handles };
    return { ...unit!, id, messageId: 'msg_1', thread, idempotencyKey: id };
  }

  /** Sends; resolves with the external ids, or with the failure. */
  async send(unit: OutboundUnit | string): Promise<readonly string[] | ProviderFailure> {
    const given = typeof unit === 'string' ? this.unit(unit) : unit;
    return smsSmpp.send!(given, { ...this.context, session: this.session }).then(
      ({ externalIds }) => externalIds,
      (error: unknown) => error as ProviderFailure,
    );
  }
}

/** Waits until this holds. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((done) => setTimeout(done, 5));
}
