import { ClientFrame, type ChatErrorCode, type CLOSE } from '#channels';
import { Overloaded } from '#conversations';
import { DatabaseUnavailable, isTransient } from '#database';
import type { ChatAccount } from './chat-account.js';
import type { ChatFeed, Reader } from './chat-feed.js';
import { IdentityInvalid, verifyIdentity } from './chat-identity.js';
import { ContentRefused } from './chat-inbox.js';
import { originAllowed, type Place } from './chat-origin.js';
import type { Admission } from './chat-prechat.js';
import type { ChatServerParts } from './chat-parts.js';
import { newSession, threadOf, type Session } from './chat-session.js';
import type { ChatSocket } from './chat-socket.js';
import { resume, welcome } from './chat-welcome.js';

type Frame<T extends ClientFrame['type']> = Extract<ClientFrame, { type: T }>;

/** Frames that may wait behind one that is being worked on, and frames in ten seconds: no widget comes near. */
const MAX_WAITING = 64;
const MAX_FRAMES = 300;
const WINDOW_MS = 10_000;
const DATABASE_RETRY_MS = 2_000;

/** One browser's connection: its frames are worked on one after the other. */
export class ChatConnection implements Reader {
  sentUpTo = 0;
  /** From the hello on. */
  session: Session | null = null;
  expires = 0;
  private feed: ChatFeed | null = null;
  private account: ChatAccount | null = null;
  private work: Promise<void> = Promise.resolve();
  private waiting = 0;
  private counted = { from: 0, frames: 0 };
  private typing = false;
  private locale: string | undefined;
  /** Nothing of a form is left that the next message would bring along. */
  private introduced = false;
  private closed = false;
  private refused = false;

  constructor(
    private readonly parts: ChatServerParts,
    readonly socket: ChatSocket,
    readonly place: Place & { readonly address: string; readonly language: string | undefined },
  ) {}

  send(frame: Parameters<ChatSocket['send']>[0]): void {
    this.socket.send(frame);
  }

  restart(): void {
    this.socket.close('restarting', 'say hello again');
  }

  /** A text frame of the browser. Never throws. */
  receive(text: string): void {
    this.socket.alive = true;
    if (this.refused) return;
    const frame = this.parse(text);
    if (!frame) return;
    if (frame.type === 'ping') return this.send({ type: 'pong' });
    if ((this.waiting += 1) > MAX_WAITING) return this.refuse('rate-limited', 'too many frames at once', 'protocol');
    this.work = this.work.then(() => this.handle(frame)).finally(() => (this.waiting -= 1));
  }

  /** Says what is wrong and hangs up. */
  refuse(code: ChatErrorCode, detail: string, close: keyof typeof CLOSE): void {
    this.refused = true;
    this.send({ type: 'error', code, detail });
    this.socket.close(close, code);
  }

  /** The socket is gone. */
  end(): void {
    this.closed = true;
    this.leave();
  }

  /** Hangs up where the account, its list of origins or the session does not bear this connection any more. */
  review(nowS: number): void {
    if (!this.session) return;
    const refusal = this.admit(this.session.accountId);
    if (refusal) this.refuse(refusal, 'the settings of the account have changed', 'policy');
    else if (this.expires < nowS) this.restart();
  }

  private parse(text: string): ClientFrame | null {
    const now = Date.now();
    if (now - this.counted.from > WINDOW_MS) this.counted = { from: now, frames: 0 };
    if ((this.counted.frames += 1) > MAX_FRAMES) {
      this.refuse('rate-limited', 'too many frames', 'protocol');
      return null;
    }
    const json = parseJson(text);
    const frame = ClientFrame.safeParse(json);
    if (frame.success) return frame.data;
    const { type, clientId } = (json ?? {}) as Record<string, unknown>;
    if (type === 'message' && this.session && typeof clientId === 'string' && /^[\w-]{8,64}$/.test(clientId)) {
      this.send({ type: 'refused', clientId, code: 'content-refused', detail: 'the message is not of a known form' });
    } else this.refuse('protocol', 'the frame is not of the protocol', 'protocol');
    return null;
  }

  private async handle(frame: ClientFrame): Promise<void> {
    if (this.refused || (this.closed && frame.type !== 'message')) return;
    try {
      if (frame.type === 'hello') await this.hello(frame);
      else if (!this.session || !this.account) this.refuse('protocol', 'say hello first', 'protocol');
      else if (frame.type === 'message') await this.message(frame, this.session);
      else if (frame.type === 'identify') await this.identify(frame, this.session);
      else if (frame.type === 'prechat' || frame.type === 'code' || frame.type === 'confirm')
        await this.introduce(frame, this.session);
      else if (frame.type === 'ack') this.acknowledge(frame);
      else if (frame.type === 'typing') this.showTyping(frame.on);
    } catch (error) {
      this.failed(error);
    }
  }

  private failed(error: unknown): void {
    const passing = error instanceof DatabaseUnavailable || isTransient(error);
    if (!passing) this.parts.log.error({ err: error }, 'a chat frame failed');
    this.refuse('unavailable', 'the gateway cannot do this now', 'unavailable');
  }

  /** Why this page may not use the account, if so. */
  private admit(accountId: string): 'account-unknown' | 'origin-refused' | undefined {
    const account = this.parts.account(accountId);
    if (!account) return 'account-unknown';
    if (!originAllowed(this.place, this.parts.options.publicUrl(), account.config.origins)) return 'origin-refused';
    this.account = account;
    return undefined;
  }

  private async hello(frame: Frame<'hello'>): Promise<void> {
    if (this.session) return this.refuse('protocol', 'hello was said before', 'protocol');
    const refusal = this.admit(frame.account);
    if (refusal === 'account-unknown') return this.refuse(refusal, 'there is no such chat', 'policy');
    if (refusal) return this.refuse(refusal, 'this page may not use the chat', 'policy');
    this.locale = frame.locale;
    const known = await this.known(frame);
    if (!known && (await this.parts.limits.newVisitor(this.place.address)) > 0) {
      return this.refuse('rate-limited', 'too many new visitors; wait a moment', 'unavailable');
    }
    await this.enter(known ?? newSession(frame.account), { fresh: !known, after: known ? frame.after : 0 });
  }

  /** The session of a hello; undefined without one, and for one that stands for nobody any more. */
  private async known({ session: token, account }: Frame<'hello'>): Promise<Session | undefined> {
    const session = token === undefined ? undefined : await this.parts.sessions.read(token, account);
    return session && (await this.parts.identities.hasMovedOn(session, session.expires)) ? undefined : session;
  }

  /** Greets a session, sends what it has missed, and joins its thread's feed. */
  private async enter(session: Session, from: { fresh: boolean; after: number }): Promise<void> {
    const name = { accountId: session.accountId, externalId: threadOf(session) };
    const state = await this.parts.store.thread(name.accountId, name.externalId);
    const prechat = await this.parts.prechat.form(session, this.account!);
    const greeting = { session, state, fresh: from.fresh, account: this.account!, prechat };
    const { frame, expires } = await welcome(this.parts, greeting);
    this.leave();
    this.introduced = false;
    this.session = session;
    this.expires = expires;
    this.send(frame);
    this.sentUpTo = await resume(this.parts.store, this.socket, { state, after: from.after });
    if (this.closed || !this.socket.open) return;
    this.feed = this.parts.feeds.join(name, this, state);
    this.send({ type: 'caught-up', last: this.sentUpTo });
    await this.parts.feeds.refresh(this.feed);
  }

  private leave(): void {
    this.showTyping(false);
    if (this.feed) this.parts.feeds.leave(this.feed, this);
    this.feed = null;
  }

  private async message(frame: Frame<'message'>, session: Session): Promise<void> {
    const { clientId } = frame;
    const retryAfterMs = await this.parts.limits.message(session.visitorId, this.place.address);
    if (retryAfterMs > 0) {
      const detail = 'too many messages; wait a moment';
      return this.send({ type: 'refused', clientId, code: 'rate-limited', detail, retryAfterMs });
    }
    try {
      if (await this.parts.identities.hasMovedOn(session, this.expires)) return this.restart();
      const admission = await this.admission(session);
      if (admission.kind === 'wait') {
        const detail = 'the form comes before the first message';
        return this.send({ type: 'refused', clientId, code: 'prechat-required', detail });
      }
      const { said } = admission;
      const around = { config: this.account!.config, said, language: this.place.language };
      const stored = await this.parts.inbox.accept(session, frame, around);
      this.introduced ||= await this.parts.prechat.taken(session, admission);
      this.parts.observe?.(stored.duplicate ? 'duplicate' : 'stored');
      this.typing = false;
      if (this.feed) {
        const begun = this.feed.threadId === null;
        this.feed.threadId ??= stored.threadId;
        await this.parts.feeds.refresh(this.feed);
        if (begun) this.parts.feeds.announceBegun(this.feed);
      }
      if (stored.threadId) this.parts.database.hint('thread', stored.threadId);
      const { id, threadSequence, storedAt } = stored;
      this.send({ type: 'accepted', clientId, id: id!, seq: threadSequence!, at: storedAt });
    } catch (error) {
      if (error instanceof ContentRefused) {
        this.send({ type: 'refused', clientId, code: 'content-refused', detail: error.message });
      } else if (error instanceof Overloaded || error instanceof DatabaseUnavailable || isTransient(error)) {
        const detail = 'the message could not be stored now';
        const retryAfterMs = error instanceof Overloaded ? error.retryAfterS * 1_000 : DATABASE_RETRY_MS;
        this.send({ type: 'refused', clientId, code: 'unavailable', detail, retryAfterMs });
      } else throw error;
    }
  }

  private async admission(session: Session): Promise<Admission> {
    return this.introduced ? { kind: 'go' } : this.parts.prechat.admit(session, this.account!);
  }

  /** The form before the first message, and the codes that prove an address of it. */
  private async introduce(frame: Frame<'prechat' | 'code' | 'confirm'>, session: Session): Promise<void> {
    const { limits, identities, prechat } = this.parts;
    const account = this.account!;
    const retryAfterMs = await limits.message(session.visitorId, this.place.address);
    if (retryAfterMs > 0) {
      if (frame.type !== 'prechat')
        return this.send({ type: 'code', scheme: frame.scheme, state: 'wait', retryAfterMs });
      return this.send({
        type: 'error',
        code: 'rate-limited',
        detail: 'too many answers; wait a moment',
        retryAfterMs,
      });
    }
    if (await identities.hasMovedOn(session, this.expires)) return this.restart();
    if (frame.type === 'prechat')
      return this.send({ type: 'prechat', prechat: await prechat.submit(session, account, frame) });
    const { address } = this.place;
    if (frame.type === 'code')
      return this.send(await prechat.ask({ session, account, address, locale: this.locale }, frame));
    const answer = await prechat.confirm(session, account, frame);
    this.send(answer);
    if (answer.state !== 'right') return;
    this.introduced = false;
    const form = await prechat.standing(session, account);
    if (form) this.send({ type: 'prechat', prechat: form });
  }

  private async identify({ token }: Frame<'identify'>, session: Session): Promise<void> {
    const { limits } = this.parts;
    const retryAfterMs = await limits.identify(session.visitorId, this.place.address);
    if (retryAfterMs > 0) {
      return this.send({ type: 'error', code: 'rate-limited', detail: 'too many identifications', retryAfterMs });
    }
    try {
      const person = await verifyIdentity(token, this.account!.config, session.accountId);
      this.leave();
      const next = await this.parts.identities.become(session, person);
      if (!session.person && !next.fresh) await this.parts.prechat.becomes(session, next.session);
      await this.enter(next.session, { fresh: next.fresh, after: 0 });
    } catch (error) {
      if (!(error instanceof IdentityInvalid)) throw error;
      await limits.identifyFailed(this.place.address);
      this.send({ type: 'error', code: 'identity-invalid', detail: error.message });
    }
  }

  private acknowledge({ delivered = 0, read = 0 }: Frame<'ack'>): void {
    const threadId = this.feed?.threadId;
    if (!threadId) return;
    const upTo = { delivered: Math.min(delivered, this.sentUpTo), read: Math.min(read, this.sentUpTo) };
    this.parts.feeds.acknowledge(threadId, upTo);
  }

  private showTyping(on: boolean): void {
    if (on === this.typing || !this.feed?.threadId || !this.session) return;
    this.typing = on;
    this.parts.live.typing(this.session.accountId, this.feed.externalId, on);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
