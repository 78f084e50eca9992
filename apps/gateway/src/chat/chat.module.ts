import type { Server } from 'node:http';
import { webchat } from '#channels';
import { Files, FileUrls, Intake, Replies, type IntakePort, type RepliesPort } from '#conversations';
import type { Database } from '#database';
import {
  Inject,
  Module,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type Provider,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Logger } from 'pino';
import { Directory } from '../directory/index.js';
import { Metrics } from '../ops/metrics.js';
import { DATABASE, LOGGER } from '../tokens.js';
import { Verifications } from '../verify/verifications.js';
import { chatAccount } from './chat-account.js';
import { ChatFeeds } from './chat-feeds.js';
import { ChatFilesController } from './chat-files.controller.js';
import { ChatIdentities } from './chat-identities.js';
import { ChatInbox } from './chat-inbox.js';
import { ChatLimits } from './chat-limits.js';
import { ChatPrechat } from './chat-prechat.js';
import { CHAT_OPTIONS, LIVE_EVENTS, type ChatOptions, type LiveEvents } from './chat-options.js';
import type { ChatServerParts } from './chat-parts.js';
import { ChatServer } from './chat-server.js';
import { Sessions } from './chat-session.js';
import { ChatStore } from './chat-store.js';
import { takeUpgrades } from './chat-upgrades.js';
import { WidgetController } from './widget.controller.js';

interface Given {
  readonly database: Database;
  readonly log: Logger;
  readonly directory: Directory;
  readonly intake: IntakePort;
  readonly replies: RepliesPort;
  readonly files: Files;
  readonly urls: FileUrls;
  readonly options: ChatOptions;
  readonly live: LiveEvents;
  readonly sessions: Sessions;
  readonly limits: ChatLimits;
  readonly prechat: ChatPrechat;
  readonly metrics: Metrics;
}

function chatServer({ database, log, directory, intake, replies, files, urls, metrics, ...given }: Given): ChatServer {
  const store = new ChatStore(database, (fileId) => urls.sign(fileId));
  const feeds = new ChatFeeds({ database, store, replies, log });
  const inbox = new ChatInbox(database, intake, store);
  const identities = new ChatIdentities(database, feeds);
  const account = (id: string) => chatAccount(directory, id);
  const { maxBytes: maxFileBytes } = files;
  const observe: ChatServerParts['observe'] = (outcome) => metrics.intakeEvent(webchat.type, outcome);
  const parts = { database, store, feeds, inbox, identities, account, maxFileBytes, observe, log, ...given };
  const server = new ChatServer(parts);
  metrics.gauge('tributary_chat_connections', 'Open chat sockets', () => server.size);
  return server;
}

const inject = [
  DATABASE,
  LOGGER,
  Directory,
  Intake,
  Replies,
  Files,
  FileUrls,
  CHAT_OPTIONS,
  LIVE_EVENTS,
  Sessions,
  ChatLimits,
  ChatPrechat,
  Metrics,
];
const names = [
  'database',
  'log',
  'directory',
  'intake',
  'replies',
  'files',
  'urls',
  'options',
  'live',
  'sessions',
  'limits',
  'prechat',
  'metrics',
];

const providers: Provider[] = [
  { provide: Sessions, inject: [CHAT_OPTIONS], useFactory: ({ secret }: ChatOptions) => new Sessions(secret) },
  {
    provide: ChatLimits,
    inject: [CHAT_OPTIONS, DATABASE],
    useFactory: (options: ChatOptions, database: Database) => new ChatLimits(options, database),
  },
  {
    provide: ChatPrechat,
    inject: [DATABASE, Verifications, LOGGER],
    useFactory: (database: Database, verifications: Verifications, log: Logger) =>
      new ChatPrechat(database, verifications, log),
  },
  {
    provide: ChatServer,
    inject,
    useFactory: (...values: unknown[]) =>
      chatServer(Object.fromEntries(names.map((name, i) => [name, values[i]])) as unknown as Given),
  },
];

/**
 * Web chat: the `/chat` socket, uploads, and the widget's code. `DATABASE`, `LOGGER`, `Directory`, `Intake`, `Replies`, `Files`, `FileUrls`, `Verifications`, `Metrics` and
 * `LIVE_EVENTS` come from global modules.
 */
@Module({})
export class ChatModule implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly end: (() => void)[] = [];

  constructor(
    @Inject(ChatServer) private readonly server: ChatServer,
    @Inject(Directory) private readonly directory: Directory,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
  ) {}

  static register(options: ChatOptions): DynamicModule {
    return {
      module: ChatModule,
      controllers: [ChatFilesController, WidgetController],
      providers: [{ provide: CHAT_OPTIONS, useValue: options }, ...providers],
    };
  }

  onApplicationBootstrap(): void {
    const http = this.host.httpAdapter.getHttpServer() as Server;
    this.end.push(
      takeUpgrades(http, '/chat', (...request) => this.server.upgrade(...request)),
      this.directory.onChange(() => this.server.review()),
    );
    this.server.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.server.stop();
    for (const end of this.end.splice(0)) end();
  }
}
