import { Connection } from './connection.js';
import { Inbox } from './inbox.js';
import { Memory } from './memory.js';
import { Outbox } from './outbox.js';
import type { Platform } from './platform.js';
import { PrechatForm } from './prechat.js';
import { Receipts } from './receipts.js';
import { EMPTY, highest, Store, unreadCount, type ChatState, type PendingFile } from './store.js';
import { TypingIn, TypingOut } from './typing.js';
import { CLOSE, type ChatMessage, type Part, type ServerFrame, type Welcome } from './wire.js';

export interface ClientOptions {
  /** Root of the gateway, without a slash at the end. */
  base: string;
  account: string;
  locale?: string;
  page?: string;
  /** Told what only the page's developer can mend. */
  warn?(text: string): void;
}

/** Messages asked for again on each new socket: their statuses and file addresses may have changed without a new `seq`. */
const OVERLAP = 50;
/** Messages fetched after a reload, and by each wish for earlier ones. */
const WINDOW = 200;

/** The conversation of one visitor with the gateway. What a view needs is in `store`. */
export class ChatClient {
  readonly store = new Store<ChatState>(EMPTY);
  readonly prechat: PrechatForm;
  private readonly memory: Memory;
  private readonly outbox: Outbox;
  private readonly connection: Connection;
  private readonly receipts: Receipts;
  private readonly inbox: Inbox;
  private readonly typingIn: TypingIn;
  private readonly typingOut: TypingOut;
  /** Which visitor this page shows (see Memory), and on which thread. */
  private visit: string | null = null;
  private threadId: string | null = null;
  /** The gateway has answered this socket's hello; and has sent all that the hello asked for. */
  private welcomed = false;
  private historyDone = false;
  /** All messages after this `seq` are held or asked for; null before the first hello. */
  private floor: number | null = null;
  private refetch = false;
  private token: { value: string; state: 'waiting' | 'asked' | 'settled' } | null = null;

  constructor(
    private readonly options: ClientOptions,
    private readonly platform: Platform,
  ) {
    const { base, account } = options;
    this.memory = new Memory(platform, `tributary:${base.replace(/^https?:\/\//, '')}:${account}:`);
    this.connection = new Connection(`${base.replace(/^http/, 'ws')}/chat`, platform, {
      open: () => this.hello(),
      frame: (frame) => this.receive(frame),
      lost: (code) => this.lost(code),
    });
    const { store, memory } = this;
    const send = this.connection.send.bind(this.connection);
    this.outbox = new Outbox(store, { memory, platform, base, account, send, ready: () => this.ready() });
    this.prechat = new PrechatForm(store, send, () => this.outbox.flush());
    this.receipts = new Receipts(store, memory, send);
    this.typingOut = new TypingOut(platform, (on) => this.ready() && send({ type: 'typing', on }));
    this.typingIn = new TypingIn(platform, store);
    const { outbox, receipts, typingIn: typing } = this;
    this.inbox = new Inbox({ store, memory, outbox, receipts, typing });
    memory.onChange(() => this.otherTab());
  }

  /** Connects if this browser has an earlier visit or something to send; a page that nobody chats on costs the gateway nothing. */
  start(): void {
    this.visit = this.memory.session()?.visit ?? null;
    this.store.update({ returning: this.visit !== null, readUpTo: this.memory.mark('read') });
    this.outbox.adopt();
    if (this.visit !== null || this.store.state.outgoing.length > 0) this.connect();
  }

  /** Connects unless that has been done. */
  connect(): void {
    if (this.store.state.phase === 'refused') return;
    if (this.store.state.phase === 'idle') this.store.update({ phase: 'connecting' });
    this.connection.start();
  }

  /** The network is back, or the page is looked at again. */
  probe(): void {
    if (this.store.state.phase !== 'idle' && this.store.state.phase !== 'refused') this.connection.probe();
  }

  networkLost(): void {
    this.connection.networkLost();
  }

  /** Sends at once or as soon as that is possible. `files` are uploaded first and go before `parts`. */
  send(parts: Part[], files: PendingFile[] = []): void {
    this.typingOut.stop();
    this.outbox.add(parts, files);
    this.connect();
  }

  retry(clientId: string): void {
    this.outbox.retry(clientId);
    this.connect();
  }

  discard(clientId: string): void {
    this.outbox.remove(clientId);
  }

  /** The visitor has changed the text in the box; empty text ends typing. */
  typed(text: string): void {
    if (text) this.typingOut.touch();
    else this.typingOut.stop();
  }

  /** Whether a person can see the messages now. */
  watched(on: boolean): void {
    this.receipts.watched(on);
  }

  /** Fetches messages before the oldest one held. */
  showEarlier(): void {
    this.floor = Math.max(0, (this.floor ?? 0) - WINDOW);
    this.refetch = true;
    this.connection.restart();
  }

  /** Says who the visitor is, by a token of the company's own backend. Until it is answered nothing is shown or sent. */
  identify(token: string): void {
    if (this.token?.value === token) return;
    this.token = { value: token, state: 'waiting' };
    this.store.update({ identifying: true });
    if (this.welcomed) this.present();
    else this.connect();
  }

  /** Forgets the visitor in this browser, in all its tabs. */
  shutdown(): void {
    this.forget();
  }

  /** Calls `run` with each message that arrives after the history, the visitor's own included. */
  onMessage(run: (message: ChatMessage) => void): () => void {
    return this.inbox.onMessage(run);
  }

  /** Where the browser itself holds the picture `fileId`, because it was sent from this page. */
  preview(fileId: string | undefined): string | null {
    return this.outbox.previews.get(fileId ?? '') ?? null;
  }

  /** Messages of others that nobody has seen yet. */
  get unread(): number {
    return unreadCount(this.store.state);
  }

  private ready(): boolean {
    const { caughtUp, identifying, form } = this.store.state;
    return this.welcomed && caughtUp && !identifying && !form;
  }

  private hello(): void {
    const held = highest(this.store.state.messages);
    this.floor ??= Math.max(0, this.memory.mark('cursor') - WINDOW);
    const after = held === 0 || this.refetch ? this.floor : Math.max(this.floor, held - OVERLAP);
    this.refetch = false;
    const session = this.memory.session()?.token;
    const { account, locale, page } = this.options;
    this.connection.send({ type: 'hello', account, session, after, locale, page });
    this.store.update({ earlier: this.floor > 0 });
  }

  private lost(code: number): void {
    this.welcomed = this.historyDone = false;
    if (this.token?.state === 'asked') this.token.state = 'waiting';
    this.outbox.disconnected(code === CLOSE.protocol);
    this.typingIn.stop();
    if (this.store.state.phase !== 'refused') {
      this.store.update({ phase: code === CLOSE.policy ? 'refused' : 'offline' });
    }
  }

  private receive(frame: ServerFrame): void {
    switch (frame.type) {
      case 'welcome':
        return this.welcome(frame);
      case 'message':
        this.prechat.finish();
        return this.inbox.message(frame);
      case 'prechat':
      case 'code':
        return this.prechat.receive(frame);
      case 'caught-up':
        this.historyDone = true;
        return this.settle();
      case 'accepted':
        return this.inbox.accepted(frame);
      case 'refused':
        this.inbox.refused(frame);
        return frame.code === 'prechat-required' ? this.fetchAll() : undefined;
      case 'status':
        return this.inbox.status(frame);
      case 'typing':
        return this.typingIn.set(frame.on, frame.name);
      case 'error':
        return this.failed(frame);
    }
  }

  private welcome(frame: Welcome): void {
    const identified = this.welcomed;
    const elsewhere = frame.threadId !== this.threadId && (identified || this.threadId !== null);
    this.welcomed = true;
    this.connection.settled(frame.reconnect);
    if (frame.fresh && this.visit !== null) this.dropVisitor(identified);
    else if (elsewhere) this.dropMessages();
    this.keepSession(frame);
    this.threadId = frame.threadId;
    this.receipts.acknowledged(frame.readUpTo);
    const readUpTo = Math.max(frame.readUpTo, this.memory.mark('read'));
    const { user, limits, unread, title = null, greeting = null, fresh } = frame;
    const said = { user, limits, title, greeting, unreadHint: unread };
    this.store.update({ ...said, phase: 'live', readUpTo, returning: !fresh });
    this.prechat.welcome(frame.prechat);
    if (identified) return this.identified();
    if (elsewhere && !frame.fresh) return this.fetchAll();
    this.outbox.adopt();
    if (this.token && (this.token.state === 'waiting' || !user)) this.present();
  }

  /** The identity is settled: the gateway goes on with all messages of its thread from the first, and `caught-up`. */
  private identified(): void {
    if (this.token) this.token.state = 'settled';
    this.floor = 0;
    this.historyDone = false;
    this.store.update({ identifying: false, caughtUp: false, returning: true, earlier: false });
  }

  /** What was asked for on this socket was another thread's: begins anew on another one. */
  private fetchAll(): void {
    this.store.update({ caughtUp: false, returning: true });
    this.welcomed = this.historyDone = false;
    this.connection.restart();
  }

  private present(): void {
    this.token!.state = 'asked';
    this.connection.send({ type: 'identify', token: this.token!.value });
  }

  /** Everything is here and it is certain who the visitor is: show it, confirm it, and send what waits. */
  private settle(): void {
    if (!this.historyDone || this.store.state.identifying) return;
    this.store.update({ caughtUp: true });
    this.receipts.update();
    this.outbox.flush();
  }

  private keepSession({ session, fresh }: Welcome): void {
    if (fresh || this.visit === null) this.visit = this.platform.uuid();
    this.memory.keepSession({ token: session, visit: this.visit });
  }

  /**
   * Another visitor than before: nothing of the earlier one is shown or sent in the new one's name. Where a session has merely run out
   * (not `identified`), what was written on this very page is by the person who sits here, and stays.
   */
  private dropVisitor(identified: boolean): void {
    this.memory.forget();
    this.outbox.keepOnly((entry) => !identified && !entry.inherited);
    this.dropMessages();
  }

  private dropMessages(): void {
    this.floor = null;
    this.memory.dropMarks();
    this.receipts.reset();
    this.store.update({ messages: [], readUpTo: 0, typing: null, earlier: false });
  }

  private failed({ code, detail, retryAfterMs }: Extract<ServerFrame, { type: 'error' }>): void {
    if (code === 'origin-refused' || code === 'account-unknown') {
      this.store.update({ phase: 'refused' });
      this.connection.stop();
      this.options.warn?.(`${code}: ${detail}`);
    }
    if (code === 'rate-limited') this.prechat.update({ said: 'wait' });
    if (code === 'rate-limited' && this.token?.state === 'asked') {
      this.token.state = 'waiting';
      this.platform.after(
        retryAfterMs ?? 5_000,
        () => this.token?.state === 'waiting' && this.welcomed && this.present(),
      );
    }
    if (code !== 'identity-invalid' || !this.token) return;
    this.options.warn?.(`${code}: ${detail}`);
    this.token.state = 'settled';
    this.store.update({ identifying: false });
    // An identified session may be another person's: it does not go on under a token that proves nothing.
    if (this.store.state.user) this.forget();
    else this.settle();
    this.connect();
  }

  /** Another tab has read on, or has another visitor by now. */
  private otherTab(): void {
    const visit = this.memory.session()?.visit ?? null;
    if (visit !== this.visit) return this.forget(visit);
    this.store.update({ readUpTo: Math.max(this.store.state.readUpTo, this.memory.mark('read')) });
  }

  /** Back to the beginning; `visit`: with the visitor that another tab has now. */
  private forget(visit: string | null = null): void {
    this.connection.stop();
    if (visit === null) this.memory.forget();
    this.welcomed = this.historyDone = false;
    this.token = this.threadId = null;
    this.visit = visit;
    this.typingOut.stop();
    this.typingIn.stop();
    this.outbox.reset();
    if (visit === null) this.dropMessages();
    this.floor = null;
    this.receipts.reset();
    this.store.update({ ...EMPTY, returning: visit !== null });
    if (visit !== null) this.connect();
  }
}
