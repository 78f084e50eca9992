import type { Database } from '#database';
import type { ChatAccount } from './chat-account.js';
import type { ChatFeeds } from './chat-feeds.js';
import type { ChatIdentities } from './chat-identities.js';
import type { ChatInbox } from './chat-inbox.js';
import type { ChatPrechat } from './chat-prechat.js';
import type { ChatLimits } from './chat-limits.js';
import type { ChatOptions, LiveEvents } from './chat-options.js';
import type { Sessions } from './chat-session.js';
import type { ChatStore } from './chat-store.js';

/** What the chat server and its connections are made of. */
export interface ChatServerParts {
  readonly database: Pick<Database, 'hint'>;
  readonly options: ChatOptions;
  readonly store: ChatStore;
  readonly feeds: ChatFeeds;
  readonly inbox: ChatInbox;
  readonly identities: ChatIdentities;
  readonly prechat: ChatPrechat;
  readonly sessions: Sessions;
  readonly limits: ChatLimits;
  readonly live: LiveEvents;
  /** Hears of each message that is stored, or was stored before. */
  observe?(outcome: 'stored' | 'duplicate'): void;
  /** The installation's limit. */
  readonly maxFileBytes: number;
  account(id: string): ChatAccount | undefined;
  /** How many browsers this process holds. */
  crowd?(): number;
  readonly log: { warn(fields: object, message: string): void; error(fields: object, message: string): void };
  /** Milliseconds: heartbeat, and how long a browser may take to say hello. */
  readonly heartbeatMs?: number;
  readonly helloMs?: number;
}
