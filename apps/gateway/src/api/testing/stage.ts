import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtinAdapters, type ChannelAdapter } from '#channels';
import {
  AccountStore,
  Deliveries,
  DestinationStore,
  Files,
  FileUrls,
  Horizon,
  Intake,
  Leases,
  LocalFileStore,
  Parked,
  Replies,
  Vault,
} from '#conversations';
import type { Database } from '#database';
import { builtinConnectors, type HelpdeskConnector } from '#helpdesk';
import { Codes } from '#identity';
import { addressGuard, guardedDial, guardedHttp } from '#transport';
import { parseInbound, type StreamEvent } from '#normalizer';
import { Global, Module, type Provider } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { Directory, Outlet, SharedValues, TraceWriter } from '../../directory/index.js';
import { acceptUploads } from '../../files/uploads.js';
import { BodyRoom, countBodies } from '../../ops/body-room.js';
import { DATABASE, LOGGER } from '../../tokens.js';
import { Verifications } from '../../verify/verifications.js';
import { ApiModule } from '../api.module.js';
import { API_OPTIONS, type ApiOptions } from '../options.js';
import { API_SERVER } from '../core/server-options.js';
import type { Scope } from '../core/scopes.js';

export const ADMIN_KEY = 'admin-key-of-the-suite';

/** A channel that shows typing and can be tested; it keeps what it was asked. */
export class TypingChannel {
  readonly typed: { thread: string; on: boolean }[] = [];
  failure: Error | undefined;
  /** Showing it lasts until this is over. */
  hold: Promise<void> | undefined;
  readonly adapter = {
    ...builtinAdapters.find(({ type }) => type === 'http'),
    type: 'typing',
    capabilities: { ...builtinAdapters.find(({ type }) => type === 'http')?.capabilities, typing: true },
    check: () => Promise.resolve({ ok: true, detail: 'it answers' }),
    typing: (thread: { externalId: string }, on: boolean) => {
      if (this.failure) return Promise.reject(this.failure);
      this.typed.push({ thread: thread.externalId, on });
      return this.hold ?? Promise.resolve();
    },
  } as unknown as ChannelAdapter<unknown, unknown>;
}

/** A channel that sends over a connection which is held open. */
const socketChannel = {
  ...builtinAdapters.find(({ type }) => type === 'http'),
  type: 'socket',
  ingress: { socket: { sends: true } },
  check: () => Promise.resolve({ ok: true, detail: 'it was connected' }),
};

/** A ticket system that can be asked what it holds; it keeps what it was asked. */
export class AskedDesk {
  readonly asked: string[][] = [];
  /** What it lacks of these events; null where it has no ticket for them. */
  lacks: (ids: readonly string[]) => { ticketId: string; ids: string[] } | null = () => ({ ticketId: '4711', ids: [] });
  readonly connector = {
    ...builtinConnectors.find(({ type }) => type === 'webhook'),
    type: 'desk',
    missing: async (events: readonly StreamEvent[]) => {
      const ids = events.map(({ id }) => id);
      this.asked.push(ids);
      return this.lacks(ids);
    },
  } as unknown as HelpdeskConnector<unknown>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test says what it expects
  readonly body: any;
}

export interface CallOptions {
  readonly key?: string | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** The API on a real database, reached by real HTTP. */
export class Stage {
  readonly typing = new TypingChannel();
  readonly desk = new AskedDesk();
  readonly bodies = new BodyRoom();
  private count = 0;
  private ends: (() => Promise<unknown> | void)[] = [];
  private root = '';
  files!: Files;
  directory!: Directory;
  intake!: Intake;

  constructor(readonly database: Database) {}

  /** `controllers`: more than the API has by itself. */
  async open(options: Partial<ApiOptions> = {}, controllers: (new (...args: never[]) => object)[] = []): Promise<this> {
    const folder = await mkdtemp(join(tmpdir(), 'api-'));
    const module = await Test.createTestingModule({
      imports: [this.core(folder, options), { module: ApiModule, controllers }],
    }).compile();
    const adapter = new FastifyAdapter({ ...API_SERVER, bodyLimit: 262_144 });
    const app = module.createNestApplication<NestFastifyApplication>(adapter, { logger: false });
    const fastify = adapter.getInstance() as unknown as FastifyInstance;
    countBodies(fastify, this.bodies);
    await acceptUploads(fastify);
    await app.listen(0, '127.0.0.1');
    this.root = await app.getUrl();
    this.ends.push(
      () => app.close(),
      () => this.directory.stop(),
      () => rm(folder, { recursive: true, force: true }),
    );
    return this;
  }

  async close(): Promise<void> {
    for (const end of this.ends.splice(0)) await end();
  }

  get url(): string {
    return this.root;
  }

  async call(
    method: string,
    path: string,
    { key = ADMIN_KEY, body, headers = {}, signal }: CallOptions = {},
  ): Promise<Answer> {
    const raw = typeof body === 'string' || body instanceof FormData || body instanceof Uint8Array;
    const answer = await fetch(this.root + path, {
      method,
      headers: {
        ...(key !== null && { authorization: `Bearer ${key}` }),
        ...(body !== undefined && !(body instanceof FormData) && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: raw ? (body as string) : JSON.stringify(body) }),
      ...(signal && { signal }),
    });
    const text = await answer.text();
    const json = /json/.test(answer.headers.get('content-type') ?? '');
    return {
      status: answer.status,
      headers: answer.headers,
      body: text === '' ? undefined : json ? JSON.parse(text) : text,
    };
  }

  get = (path: string, options?: CallOptions) => this.call('GET', path, options);
  post = (path: string, body?: unknown, options?: CallOptions) => this.call('POST', path, { ...options, body });
  patch = (path: string, body?: unknown, options?: CallOptions) => this.call('PATCH', path, { ...options, body });
  delete = (path: string, options?: CallOptions) => this.call('DELETE', path, options);

  /** A key with these scopes, limited to accounts or not. */
  async key(scopes: readonly Scope[], accounts?: readonly string[]): Promise<string> {
    const { body } = await this.post('/v1/keys', { name: 'of a test', scopes, ...(accounts && { accounts }) });
    return body.secret as string;
  }

  /** Makes an account of the `http` channel, or of `type`. */
  async account(id: string, type = 'http'): Promise<void> {
    const config = {
      secret: `whsec_${Buffer.from(`a secret of ${id}`.padEnd(32)).toString('base64')}`,
      url: 'https://shop.example/in',
    };
    const answer = await this.post('/v1/accounts', { id, type, config: type === 'webchat' ? {} : config });
    if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  }

  /** A customer writes; returns ids. */
  async arrive(accountId: string, text = 'hello', from = '+8613900000001') {
    this.count += 1;
    const event = parseInbound({
      kind: 'message',
      dedupeKey: `${accountId}-${this.count}`,
      thread: from,
      sender: { handles: [{ scheme: 'phone', value: from }], name: 'Wang' },
      parts: [{ type: 'text', text }],
    });
    const [stored] = await this.intake.accept(accountId, [event]);
    const { conversationId, id, threadId, contactId } = stored ?? {};
    return { conversationId: conversationId!, messageId: id!, threadId: threadId!, contactId: contactId! };
  }

  private core(folder: string, options: Partial<ApiOptions>) {
    const { database } = this;
    const adapters = [...builtinAdapters, this.typing.adapter, socketChannel] as ChannelAdapter<unknown, unknown>[];
    const connectors = [...builtinConnectors, this.desk.connector] as readonly HelpdeskConnector<unknown>[];
    const log = pino({ level: 'silent' });
    const vault = new Vault('a secret key of the suite');
    const fileUrls = new FileUrls('a secret', () => this.root);
    const files = new Files({ database, store: new LocalFileStore(folder), urls: fileUrls, maxBytes: 100_000 });
    const accounts = new AccountStore({
      database,
      vault,
      kind: (type) => {
        const adapter = adapters.find((a) => a.type === type);
        return (
          adapter && { config: adapter.config, continuity: adapter.continuity, hosted: adapter.ingress.hosted === true }
        );
      },
    });
    const destinations = new DestinationStore({
      database,
      vault,
      schema: (type) => connectors.find((c) => c.type === type)?.config,
    });
    const http = guardedHttp({ allow: ['127.0.0.1/32'] });
    const traces = new TraceWriter(database);
    const shared = new SharedValues({ database, vault, leases: new Leases(database) });
    const parts = {
      database,
      accounts,
      destinations,
      adapters,
      connectors,
      http,
      deliveryHttp: http,
      dial: guardedDial(addressGuard(['127.0.0.1/32'])),
      shared,
      traces,
      files,
      fileUrls,
      publicUrl: 'https://gateway.example',
      log,
    };
    const directory = new Directory(parts);
    this.ends.push(() => http.close());
    Object.assign(this, { files, directory, intake: new Intake(database) });
    const settings: ApiOptions = {
      adminKey: ADMIN_KEY,
      publicUrl: () => 'https://gateway.example',
      rate: { points: 10_000, seconds: 60 },
      eventsKeptS: 86_400,
      ...options,
    };
    return globally([
      { provide: DATABASE, useValue: database },
      { provide: LOGGER, useValue: log },
      { provide: API_OPTIONS, useValue: settings },
      { provide: Vault, useValue: vault },
      { provide: Directory, useValue: directory },
      { provide: AccountStore, useValue: accounts },
      { provide: DestinationStore, useValue: destinations },
      {
        provide: Verifications,
        useValue: new Verifications({
          directory,
          channels: new Outlet(directory, fileUrls),
          codes: new Codes('a secret'),
          settings: { country: 'CN' },
        }),
      },
      { provide: Deliveries, useValue: new Deliveries(database) },
      { provide: Horizon, useValue: new Horizon(database) },
      { provide: Files, useValue: files },
      { provide: FileUrls, useValue: fileUrls },
      { provide: Parked, useValue: new Parked(database, new Intake(database)) },
      { provide: Replies, useValue: new Replies(database, new Outlet(directory, fileUrls)) },
    ]);
  }
}

function globally(providers: Provider[]) {
  @Global()
  @Module({ providers, exports: providers.map((provider) => (provider as { provide: symbol }).provide) })
  class Core {}
  return Core;
}
