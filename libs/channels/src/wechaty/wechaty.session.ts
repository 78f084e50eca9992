import { setTimeout as delay } from 'node:timers/promises';
import { ProviderFailure, type InboundEventInput } from '#normalizer';
import type { MemoryCard } from 'memory-card';
import type { ContactSelf, Message, Wechaty } from 'wechaty';
import type { Puppet } from 'wechaty-puppet';
import type { Emit, SocketContext, Standing } from '../core/adapter.js';
import type { WechatyConfig } from './wechaty.config.js';
import { Echoes } from './wechaty.echoes.js';
import { heldUntil, noteHeldUntil } from './wechaty.memory.js';
import { eventOf, placeOf, typeOf } from './wechaty.parse.js';
import { nameOf } from './wechaty.people.js';
import { failureOf } from './wechaty.failures.js';

export interface SessionParts {
  readonly bot: Wechaty;
  readonly puppet: Puppet;
  readonly memory: MemoryCard;
  readonly emit: Emit;
  readonly ctx: SocketContext<WechatyConfig>;
}

/** How often it is noted up to when messages were received. */
const NOTE_MS = 60_000;
/** `ScanStatus` of wechaty: the code was read by a phone, and agreed to there. */
const CONFIRMED: readonly number[] = [3, 4];
/** gRPC's CANCELLED and UNAVAILABLE: what is told of the stream of a puppet behind a wire, which nobody takes up again. */
const BROKEN: readonly number[] = [1, 14];
const FIRST_RETRY_MS = 250;
const MOST_RETRY_MS = 10_000;
const LOOK = 'Look into WeChat on the phone for messages of that time, and answer them there.';

/** One login of one WeChat account: from the scan of its code until it is logged out, the puppet dies, or the gateway lets go of it. */
export class WechatySession {
  readonly bot: Wechaty;
  readonly puppet: Puppet;
  readonly echoes: Echoes;
  private readonly ctx: SocketContext<WechatyConfig>;
  /** Messages are stored one after the other, and none before somebody is logged in. */
  private queue: Promise<void>;
  private admit: () => void = () => undefined;
  private notedAt = 0;
  /** When the first message came that could not be stored; what is noted as received stays before it. */
  private missedAt = Infinity;
  private standing: Standing | undefined;
  private closing = false;
  private over = false;

  constructor(private readonly parts: SessionParts) {
    const { bot, puppet, ctx } = parts;
    this.bot = bot;
    this.puppet = puppet;
    this.ctx = ctx;
    this.echoes = new Echoes(ctx.now);
    this.queue = new Promise((resolve) => (this.admit = resolve));
  }

  /** Starts the puppet and waits until somebody is logged in, for as long as that takes. Throws `ProviderFailure`, or why the connection is not wanted any more. */
  async login(): Promise<void> {
    const { bot, puppet, ctx } = this;
    ctx.signal.throwIfAborted();
    const failed = new Promise<never>((_resolve, reject) => {
      ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason as Error), { once: true });
    });
    const user = new Promise<ContactSelf>((resolve) => bot.once('login', resolve));
    bot.on('scan', (code, status) => this.scanned(code, status));
    bot.on('message', (message) => this.received(message));
    puppet.on('logout', () => this.ended('WeChat ended the login'));
    puppet.on('stop', () => this.ended('the puppet stopped'));
    await Promise.race([this.start(), failed]);
    await this.entered(await Promise.race([user, failed]));
  }

  /** Stops the puppet, without logging out. Never throws. */
  async close(): Promise<void> {
    if (this.closing) return;
    this.closing = true;
    const entered = this.standing !== undefined;
    await this.bot.stop().catch(() => undefined);
    if (!entered) return;
    await this.queue;
    await this.note();
  }

  /** wechaty tells by an event, and not by a rejection, that a puppet does not start. */
  private async start(): Promise<void> {
    let first: unknown;
    let starting = true;
    this.bot.on('error', (error) => {
      if (starting) first ??= error;
      else if (BROKEN.includes(Number(error.code))) this.ended('the connection to the puppet broke');
      else this.troubled();
    });
    await this.bot.start();
    starting = false;
    if (first === undefined) return;
    const { code } = failureOf(first);
    throw new ProviderFailure(
      code === 'unauthorized' ? code : 'unavailable',
      `${this.ctx.config.puppet} does not start`,
    );
  }

  private scanned(code: string, status: number): void {
    if (CONFIRMED.includes(status))
      return this.ctx.report({ state: 'disconnected', detail: 'the login code was scanned', action: 'Confirm the login on the phone.' });
    if (!code) return;
    const action = 'Scan the login code with WeChat on the phone: GET /v1/accounts/{id} shows what it holds.';
    this.ctx.report({ state: 'disconnected', detail: 'waiting for a login; draw this as a QR code and scan it', action, link: code });
  } // prettier-ignore

  private async entered(user: ContactSelf): Promise<void> {
    const { memory, ctx } = this.parts;
    const { userId } = ctx.config;
    if (userId !== undefined && user.id !== userId) {
      this.closing = true;
      await this.bot.logout().catch(() => undefined);
      this.closing = false;
      throw new ProviderFailure('config-invalid', 'another WeChat user logged in than the one named as userId');
    }
    const since = await heldUntil(memory);
    const who = `logged in as ${nameOf(user) ?? user.id}`;
    const gap = since && `; messages from ${since} to ${new Date(ctx.now()).toISOString()} may be missing`;
    this.tell({ state: 'connected', detail: who + (gap ?? ''), action: gap ? LOOK : null });
    await this.note();
    this.admit();
  }

  private ended(detail: string): void {
    if (this.closing || this.over) return;
    this.over = true;
    this.missedAt = Math.min(this.missedAt, this.ctx.now());
    void this.note();
    this.ctx.lost(new ProviderFailure('unavailable', `${detail}; a new login is being prepared`));
  }

  /** A message could not be read, or the puppet is in trouble: it does not say which. */
  private troubled(): void {
    if (this.closing || this.standing?.state !== 'connected') return;
    this.tell({ state: 'degraded', detail: 'the puppet reports an error; a message may be missing', action: LOOK });
  } // prettier-ignore

  private tell(standing: Standing): void {
    this.standing = standing;
    this.ctx.report(standing);
  }

  private received(message: Message): void {
    this.queue = this.queue.then(() => this.take(message)).catch(() => this.troubled());
  }

  private async take(message: Message): Promise<void> {
    const { bot, ctx } = this;
    const place = await placeOf(message, { bot, accountId: ctx.accountId, rooms: ctx.config.rooms });
    if (!place || (place.from === 'agent' && (await this.isEcho(message)))) return;
    if (!(await this.store(await eventOf(message, place, bot)))) {
      this.missedAt = Math.min(this.missedAt, message.date().getTime());
      return;
    }
    if (this.standing?.state === 'degraded') this.tell({ state: 'connected', detail: 'messages come in again', action: null });
    if (ctx.now() - this.notedAt >= NOTE_MS) await this.note();
  } // prettier-ignore

  private isEcho(message: Message): Promise<boolean> {
    const to = message.room()?.id ?? message.listener()?.id ?? '';
    return this.echoes.isOurs(message.id, { to, text: typeOf(message, this.bot) === 'Text' ? message.text() : null });
  }

  /** No puppet hands a message over twice, so this goes on until it is stored. False where the connection was given up before. */
  private async store(event: InboundEventInput): Promise<boolean> {
    for (let wait = FIRST_RETRY_MS; ; wait = Math.min(MOST_RETRY_MS, wait * 2)) {
      try {
        await this.parts.emit([event]);
        return true;
      } catch {
        if (this.ctx.signal.aborted) return false;
        await delay(wait, undefined, { signal: this.ctx.signal }).catch(() => undefined);
      }
    }
  }

  private async note(): Promise<void> {
    this.notedAt = this.ctx.now();
    await noteHeldUntil(this.parts.memory, Math.min(this.notedAt, this.missedAt)).catch(() => undefined);
  }
}
