import { setTimeout as delay } from 'node:timers/promises';
import { ProviderFailure } from '#normalizer';
import type { ImapFlow } from 'imapflow';
import type { Mailbox } from '../settings.js';

/** Most that a connection which did nothing may take to answer. */
const ANSWER_MS = 20_000;
const SHORT_MS = 500;

/**
 * Waits for news in the folder that is open: by IDLE (RFC 2177) where the server has it, else by asking. Each wait ends with a question
 * (NOOP), by whose answer a connection shows that it is alive: what swallows it is found out within `idleS` and 20 s.
 */
export class Watch {
  private news = false;
  private wakeUp: (() => void) | undefined;
  private refused = false;

  constructor(
    private readonly client: ImapFlow,
    private readonly settings: Mailbox['imap'],
  ) {
    client.on('exists', () => this.wake());
    client.on('close', () => this.wake());
  }

  get idles(): boolean {
    return !this.refused && this.client.capabilities.has('IDLE');
  }

  wake(): void {
    this.news = true;
    this.wakeUp?.();
  }

  /** Was there anything since the last time this was asked? */
  take(): boolean {
    const { news } = this;
    this.news = false;
    return news;
  }

  /** Ends with news, and after `mostMs` at the latest. Throws `ProviderFailure` where the connection is dead. */
  async rest(mostMs: number): Promise<void> {
    if (this.news) return;
    const patience = new AbortController();
    const woken = new Promise<void>((resolve) => (this.wakeUp = resolve));
    const begun = performance.now();
    let itself = false;
    // Nothing else may be asked over the connection meanwhile but what ends IDLE.
    const idling = this.idles && this.client.mailbox ? this.client.idle().then(() => (itself = true)) : undefined;
    const most = delay(Math.min(mostMs, this.settings.idleS * 1_000), undefined, patience).catch(() => undefined);
    await Promise.race([woken, most, ...(idling ? [idling] : [])]);
    patience.abort();
    this.wakeUp = undefined;
    // A server that ends IDLE as soon as it begins has none.
    if (itself && this.client.usable && performance.now() - begun < SHORT_MS) this.refused = true;
    await this.alive();
    await idling;
  }

  private async alive(): Promise<void> {
    const patience = new AbortController();
    const most = Math.min(ANSWER_MS, this.settings.timeoutMs);
    const late = delay(most, true, patience).catch(() => false);
    const silent = await Promise.race([this.client.noop().then(() => false), late]);
    patience.abort();
    if (silent) throw new ProviderFailure('unavailable', 'the mail server does not answer any more');
    if (!this.client.usable) throw new ProviderFailure('unavailable', 'the mail server ended the connection');
  }
} // prettier-ignore
