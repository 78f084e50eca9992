import { ProviderFailure, type InboundEventInput } from '#normalizer';
import type { types, Wechaty } from 'wechaty';
import type { Puppet } from 'wechaty-puppet';
import type { Emit, SocketContext, Standing } from '../core/adapter.js';
import { insist, within, type Ask } from './wechaty.asking.js';
import type { WechatyConfig } from './wechaty.config.js';
import { Echoes } from './wechaty.echoes.js';
import { failureOf } from './wechaty.failures.js';
import { Inbox } from './wechaty.inbox.js';
import { lastLogin, noteLogin, type LastLogin } from './wechaty.memory.js';
import { readMessage, type Desk } from './wechaty.parse.js';
import { lastingId, People } from './wechaty.people.js';

export interface SessionParts {
  readonly bot: Wechaty;
  readonly puppet: Puppet;
  readonly types: typeof types;
  readonly emit: Emit;
  readonly ctx: SocketContext<WechatyConfig>;
}

/** How often it is noted up to when everything is stored: no gap is told longer than it was by more than this. */
const NOTE_MS = 60_000;
/** So long ago at most was the last sign of life of a puppet that gives some: others may give one and no more. */
const BEAT_MS = 300_000;
/** After so long without a login code and without a login, somebody should look. */
const SILENT_MS = 60_000;
/** How long one question to the puppet may take, other than to send. */
const ANSWER_MS = 15_000;
/** At the end: for what came in to be stored, for the puppet to stop, and for the last note. */
const DRAIN_MS = 1_500;
const STOP_MS = 1_000;
const LAST_NOTE_MS = 500;
/** `ScanStatus` of wechaty: the code was read by a phone, and agreed to there. */
const CONFIRMED: readonly number[] = [3, 4];
/** gRPC's CANCELLED and UNAVAILABLE: what is told of the stream of a puppet behind a wire, which nobody takes up again. */
const BROKEN: readonly number[] = [1, 14];
const LOOK = 'Look into WeChat on the phone for messages of that time, and answer them there.';

const iso = (at: number) => new Date(at).toISOString();

/** One login of one WeChat account: from the scan of its code until it is logged out, the puppet dies, or the gateway lets go of it. */
export class WechatySession {
  readonly bot: Wechaty;
  readonly puppet: Puppet;
  readonly echoes: Echoes;
  readonly people: People;
  /** Asks the puppet, for a limited time, and not beyond the end of this session. */
  readonly ask: Ask;
  private readonly ctx: SocketContext<WechatyConfig>;
  private readonly inbox: Inbox;
  private readonly desk: Desk;
  private readonly end = new AbortController();
  private noting: NodeJS.Timeout | undefined;
  private silent: NodeJS.Timeout | undefined;
  /** When the puppet gave its last sign of life, where it does. */
  private beat: number | undefined;
  private user: string | null = null;
  private standing: Standing | undefined;
  private closing = false;
  private over = false;

  constructor({ bot, puppet, types, emit, ctx }: SessionParts) {
    const { accountId, config, now } = ctx;
    [this.bot, this.puppet, this.ctx] = [bot, puppet, ctx];
    const { signal } = this.end;
    this.ask = (work) => within({ ms: Math.min(ANSWER_MS, config.timeoutMs), signal }, () => work(puppet));
    this.echoes = new Echoes(now);
    this.people = new People(this.ask, now);
    this.desk = {
      ...{ accountId, rooms: config.rooms, ask: this.ask, people: this.people },
      ...{ types: types.Message, officialType: types.Contact.Official },
    };
    this.inbox = new Inbox({
      ...{ emit, now, signal },
      read: (id, leniently) => this.read(id, leniently),
      stored: () => this.flowing(),
      passedOver: (at) => this.passedOver(at),
      silent: () => this.ended('the puppet does not answer any more'),
    });
  }

  /** Starts the puppet and waits until somebody is logged in, for as long as that takes. Throws `ProviderFailure`, or why the connection is not wanted any more. */
  async login(): Promise<void> {
    const { puppet, ctx } = this;
    ctx.signal.throwIfAborted();
    const failed = new Promise<never>((_resolve, reject) => {
      ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason as Error), { once: true });
    });
    const user = new Promise<string>((resolve) => puppet.once('login', ({ contactId }) => resolve(contactId)));
    this.listen();
    this.silent = setTimeout(() => this.shownNothing(), SILENT_MS).unref();
    await Promise.race([this.start(), failed]);
    await Promise.race([user.then((id) => this.entered(id)), failed]);
  }

  /** Stores what came in, and stops the puppet without logging out. Takes some seconds at most. Never throws. */
  async close(): Promise<void> {
    if (this.closing) return;
    this.closing = true;
    clearInterval(this.noting);
    clearTimeout(this.silent);
    const limited = (ms: number, work: () => Promise<unknown>) =>
      within({ ms, signal: new AbortController().signal }, work).catch(() => undefined);
    if (this.noting) await limited(DRAIN_MS, () => this.inbox.empty());
    this.end.abort();
    await limited(STOP_MS, () => this.bot.stop());
    if (this.noting) await limited(LAST_NOTE_MS, () => this.note());
  }

  private listen(): void {
    const { bot, puppet } = this;
    const before = puppet.listeners('message');
    // wechaty itself looks all messages up at once, and the first answer comes first: here they are read one after the other.
    bot.once('puppet', () => {
      for (const listener of puppet.listeners('message'))
        if (!before.includes(listener)) puppet.removeListener('message', listener as never);
      puppet.on('message', ({ messageId }) => this.inbox.take(messageId));
    });
    bot.on('scan', (code, status) => this.scanned(code, status));
    puppet.on('dirty', () => this.people.changed());
    for (const sign of ['heartbeat', 'dong'] as const) puppet.on(sign, () => void (this.beat = this.ctx.now()));
    puppet.on('logout', () => this.ended('WeChat ended the login'));
    puppet.on('stop', () => this.ended('the puppet stopped'));
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

  private shownNothing(): void {
    const detail = 'the puppet shows no login code and logs nobody in';
    const action = 'Check the puppet: its credentials, its subscription, and the machine that it runs on.';
    void this.ctx.report({ state: 'disconnected', detail, action });
  }

  private scanned(code: string, status: number): void {
    clearTimeout(this.silent);
    if (CONFIRMED.includes(status)) {
      void this.ctx.report({
        ...{ state: 'disconnected', detail: 'the login code was scanned', action: 'Confirm the login on the phone.' },
      });
      return;
    }
    if (!code) return;
    const action = 'Scan the login code with WeChat on the phone: GET /v1/accounts/{id} shows it as `loginCode`.';
    void this.ctx.report({ state: 'disconnected', detail: 'waiting for a login', action, link: code });
  }

  private async entered(id: string): Promise<void> {
    clearTimeout(this.silent);
    const { ctx } = this;
    const self = await this.ask((puppet) => puppet.contactPayload(id)).catch(() => undefined);
    const last = await insist(() => lastLogin(ctx), ctx.signal);
    this.user = lastingId(id, self) ?? null;
    await this.demandSame([id, this.user], last);
    const gap = last && { from: last.until, to: iso(ctx.now()) };
    const missing = gap ? `; messages from ${gap.from} to ${gap.to} may be missing` : '';
    const detail = `logged in as ${self?.name || id}${missing}`;
    this.standing = { state: 'connected', detail, action: gap ? LOOK : null, ...(gap && { gap }) };
    await this.told(this.standing);
    ctx.signal.throwIfAborted();
    this.beat &&= ctx.now();
    await this.note();
    this.noting = setInterval(() => void this.note(), NOTE_MS).unref();
    this.inbox.admit();
  }

  /** One account is one user: what is known of the friends of one says nothing of those of another. */
  private async demandSame(ids: readonly (string | null)[], last: LastLogin | undefined): Promise<void> {
    const { userId } = this.ctx.config;
    const before = last?.user ?? null;
    if (userId !== undefined ? ids.includes(userId) : before === null || ids[1] === null || ids[1] === before) return;
    this.over = true;
    await this.ask((puppet) => puppet.logout()).catch(() => undefined);
    throw new ProviderFailure(
      'config-invalid',
      userId === undefined
        ? 'another WeChat user logged in than before; name the new one as userId, or give them an account of their own'
        : 'another WeChat user logged in than the one named as userId',
    );
  }

  /** Reports until it is stored; false where the connection was given up before. */
  private async told(standing: Standing): Promise<boolean> {
    const { report, signal } = this.ctx;
    const store = async () => {
      const stored = await report(standing);
      if (!stored && !signal.aborted) throw new Error('it is not stored');
      return stored;
    };
    return insist(store, signal);
  }

  private async read(id: string, leniently: boolean): Promise<InboundEventInput | null> {
    const reading = await readMessage(id, this.desk, leniently);
    if (!reading) return null;
    return reading.own && (await this.echoes.isOurs(id, reading.own)) ? null : reading.event;
  }

  private ended(detail: string): void {
    if (this.closing || this.over) return;
    this.over = true;
    this.inbox.missingFrom(this.ctx.now());
    this.ctx.lost(new ProviderFailure('unavailable', `${detail}; a new login is being prepared`));
  }

  private flowing(): void {
    if (this.standing?.state === 'degraded')
      this.tell({ state: 'connected', detail: 'messages come in again', action: null });
  }

  /** The puppet is in trouble and does not say which. */
  private troubled(): void {
    if (this.closing || this.standing?.state !== 'connected') return;
    this.tell({ state: 'degraded', detail: 'the puppet reports an error; a message may be missing', action: LOOK });
  }

  private tell(standing: Standing): void {
    this.standing = standing;
    void this.ctx.report(standing);
  }

  private async passedOver(at: number): Promise<void> {
    const gap = { from: iso(at), to: iso(this.ctx.now()) };
    const detail = `what came between ${gap.from} and ${gap.to} could not all be read`;
    this.standing = { state: 'degraded', detail, action: LOOK, gap };
    if (!(await this.told(this.standing))) this.inbox.missingFrom(at);
  }

  /** What came after the last sign of life may not have come in: a connection can be dead long before anybody notices. */
  private async note(): Promise<void> {
    const { ctx, inbox, beat = Infinity } = this;
    const until = Math.min(inbox.until, Math.max(beat, ctx.now() - BEAT_MS));
    await noteLogin(ctx, { until: iso(until), user: this.user }).catch(() => undefined);
  }
}
