import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { builtinAdapters, webchat, type ClientFrame, type ServerFrame, type WebchatConfig } from '#channels';
import { fit } from '#channels';
import { Intake, Replies, Store1700000000002, type ChannelDirectory } from '#conversations';
import type { Database } from '#database';
import type { OpenDatabase } from '#database/testing';
import { Codes, Identity1700000000001 } from '#identity';
import { WebSocket } from 'ws';
import type { RunningAccount } from '../../directory/index.js';
import { Verifications } from '../../verify/verifications.js';
import type { ChatAccount } from '../chat-account.js';
import { ChatFeeds, type ChatFeedsParts } from '../chat-feeds.js';
import { ChatIdentities } from '../chat-identities.js';
import { ChatInbox } from '../chat-inbox.js';
import { ChatPrechat } from '../chat-prechat.js';
import { ChatLimits } from '../chat-limits.js';
import type { ChatServerParts } from '../chat-parts.js';
import { ChatServer } from '../chat-server.js';
import { Sessions } from '../chat-session.js';
import { ChatStore } from '../chat-store.js';

export const SECRET = 'the account secret, of enough bytes';
export const SHOP = 'https://shop.example';

const http = builtinAdapters.find(({ type }) => type === 'http');
const channels: ChannelDirectory = {
  fit: (_, message) => fit(message, webchat.capabilities, { fileUrl: (id) => id }),
  rules: () =>
    ({ type: 'webchat', enabled: true, hosted: true, window: null, initiate: [], parts: [], limits: {} }) as never,
  accountsOf: () => [],
};

/** A chat server over a real store, on a real port, with the accounts `web` and `web2`. */
export class ChatBench {
  readonly accounts = new Map<string, ChatAccount>();
  readonly typed: string[] = [];
  readonly errors: unknown[] = [];
  readonly browsers: Browser[] = [];
  port = 0;
  /** What feeds hear: the database's hints unless another is put here before `start`. */
  hints: ChatFeedsParts['database'];
  pollMs = 100;

  private constructor(
    readonly db: Database,
    readonly intake: Intake,
    readonly replies: Replies,
  ) {
    this.hints = db;
  }

  server!: ChatServer;
  http!: Server;
  readonly sessions = new Sessions('server secret');
  /** Accounts that can send codes. */
  readonly senders = new Map([
    ['bridge', { id: 'bridge', type: 'http', enabled: true, adapter: http, config: {} } as unknown as RunningAccount],
  ]);
  readonly verifications = new Verifications({
    directory: { account: (id) => this.senders.get(id), accounts: () => [...this.senders.values()] },
    channels,
    codes: new Codes('server secret'),
    settings: { country: 'CN' },
  });

  static async open(open: OpenDatabase): Promise<ChatBench> {
    const db = await open({ entities: [], migrations: [Identity1700000000001, Store1700000000002] });
    await db.query(
      `insert into account (id, type, config, continuity, hosted) values ('web', 'webchat', '{}', 'contact', true), ('web2', 'webchat', '{}', 'contact', true)`,
    );
    const bench = new ChatBench(db, new Intake(db), new Replies(db, channels));
    bench.account('web', { origins: [SHOP, 'https://*.corner.example'], secret: SECRET });
    bench.account('web2', { origins: [SHOP], secret: `${SECRET} 2` });
    await bench.start();
    return bench;
  }

  account(id: string, config: Partial<WebchatConfig>): void {
    this.accounts.set(id, { id, config: webchat.config.parse(config) });
  }

  async start(
    changes: Partial<ChatServerParts> = {},
    limits = { messagesPerMinute: 10_000, connectionsPerAddress: 1_000 },
  ): Promise<void> {
    const options = {
      ...limits,
      secret: 'server secret',
      publicUrl: () => 'https://gateway.example',
      trustedProxies: [],
    };
    const log = {
      warn: (...args: unknown[]) => void this.errors.push(args),
      error: (...args: unknown[]) => void this.errors.push(args),
    };
    const store = new ChatStore(this.db, (fileId) => `https://gateway.example/files/${fileId}`);
    const feeds = new ChatFeeds({ database: this.hints, store, replies: this.replies, log, pollMs: this.pollMs });
    this.server = new ChatServer({
      ...{ database: this.db, options, log, store, feeds, sessions: this.sessions, maxFileBytes: 1_000_000 },
      inbox: new ChatInbox(this.db, this.intake, store),
      identities: new ChatIdentities(this.db, feeds),
      prechat: new ChatPrechat(this.db, this.verifications, log),
      limits: new ChatLimits(options, this.db),
      live: { typing: (account, thread, on) => void this.typed.push(`${account} ${thread} ${on}`) },
      account: (id) => this.accounts.get(id),
      ...changes,
    });
    this.server.start();
    this.http = createServer();
    this.http.on('upgrade', (request, socket, head) => this.server.upgrade(request, socket, head));
    await new Promise<void>((resolve) => this.http.listen(this.port, '127.0.0.1', resolve));
    this.port = (this.http.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    await this.server.stop();
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }

  /** Opens a socket as a page of this origin would. */
  async connect(origin: string | null = SHOP, headers: Record<string, string> = {}): Promise<Browser> {
    const ws = new WebSocket(`ws://127.0.0.1:${this.port}/chat`, { headers, ...(origin !== null && { origin }) });
    const browser = new Browser(ws);
    this.browsers.push(browser);
    await new Promise<void>((resolve, reject) => {
      ws.once('open', resolve);
      ws.once('error', reject);
    });
    return browser;
  }

  /** A visitor who has said hello and has everything. */
  async visitor(hello: Partial<Extract<ClientFrame, { type: 'hello' }>> = {}): Promise<Browser> {
    const browser = await this.connect();
    browser.send({ type: 'hello', account: 'web', after: 0, ...hello });
    browser.welcome = await browser.next('welcome');
    await browser.next('caught-up');
    return browser;
  }

  /** The code that was sent last to an address, and has not left yet. */
  async codeFor(value: string): Promise<string> {
    const [unit] = await this.db.query<{ text: string }>(
      `select content->>'text' as text from unit where content->'thread'->>'externalId' = $1 order by id desc limit 1`,
      [value],
    );
    return /\d{6}/.exec(unit?.text ?? '')?.[0] ?? 'none';
  }

  /** The helpdesk answers in the conversation of a message. */
  async answer(messageId: string, text: string, name = 'Ann') {
    const [row] = await this.db.query<{ conversation_id: string }>(
      'select conversation_id from message where id = $1',
      [messageId],
    );
    const message = await this.db.transaction((sql) =>
      this.replies.reply(sql, row!.conversation_id, { text, author: { name, kind: 'agent' } }),
    );
    this.db.hint('thread', message.threadId);
    return message;
  }
}

type Of<T extends ServerFrame['type']> = Extract<ServerFrame, { type: T }>;
let count = 0;

/** The far end of a socket: keeps what came, in order. */
export class Browser {
  readonly frames: ServerFrame[] = [];
  welcome!: Of<'welcome'>;
  closed: { code: number; reason: string } | null = null;
  private cursor = 0;
  private readonly waiting = new Set<() => void>();

  constructor(readonly ws: WebSocket) {
    ws.on('message', (data) => {
      this.frames.push(JSON.parse(String(data as Buffer)) as ServerFrame);
      this.wake();
    });
    ws.on('close', (code, reason) => {
      this.closed = { code, reason: String(reason) };
      this.wake();
    });
    ws.on('error', () => undefined);
  }

  send(frame: ClientFrame | Record<string, unknown>): void {
    this.ws.send(JSON.stringify(frame));
  }

  /** Sends a text and returns what it was accepted as. */
  async say(text: string, clientId = `client-${(count += 1)}-id`): Promise<Of<'accepted'>> {
    this.send({ type: 'message', clientId, parts: [{ type: 'text', text }] });
    return this.until((frame) => frame.type === 'accepted' && frame.clientId === clientId) as Promise<Of<'accepted'>>;
  }

  /** The next frame of a type that was not taken before; frames before it are passed over. */
  async next<T extends ServerFrame['type']>(type: T): Promise<Of<T>> {
    for (;;) {
      while (this.cursor < this.frames.length) {
        const frame = this.frames[this.cursor++]!;
        if (frame.type === type) return frame as Of<T>;
      }
      await this.news(type);
    }
  }

  /** A frame that answers to a test, whenever it came. */
  async until(test: (frame: ServerFrame) => boolean): Promise<ServerFrame> {
    for (;;) {
      const found = this.frames.find(test);
      if (found) return found;
      await this.news('a frame');
    }
  }

  async gone(): Promise<{ code: number; reason: string }> {
    while (!this.closed) await new Promise<void>((resolve) => this.waiting.add(resolve));
    return this.closed;
  }

  messages(): Of<'message'>[] {
    return this.frames.filter((frame) => frame.type === 'message') as Of<'message'>[];
  }

  private async news(what: string): Promise<void> {
    if (this.closed)
      throw new Error(`closed with ${this.closed.code} while waiting for ${what}: ${JSON.stringify(this.frames)}`);
    await new Promise<void>((resolve) => this.waiting.add(resolve));
  }

  private wake(): void {
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const resolve of waiting) resolve();
  }
}
