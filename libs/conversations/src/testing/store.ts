import type { Database } from '#database';
import { Identity1700000000001, IDENTITY_ENTITIES } from '#identity';
import {
  countSegments,
  type FittedUnit,
  type InboundEvent,
  type InboundMessage,
  type Part,
  renderText,
} from '#normalizer';
import { STORE_ENTITIES } from '../entities/index.js';
import { Store1700000000002 } from '../migrations/0001-store.js';
import type { AccountRules, ChannelDirectory, StoredItem } from '../ports.js';

/** What every suite of the store opens its database with. */
export const STORE = {
  entities: [...IDENTITY_ENTITIES, ...STORE_ENTITIES],
  migrations: [Identity1700000000001, Store1700000000002],
};

export async function addAccount(
  database: Database,
  account: { id: string; type?: string; continuity?: 'contact' | 'thread'; reopenWithinS?: number; hosted?: boolean },
): Promise<void> {
  const { id, type = 'http', continuity = 'contact', reopenWithinS = 259_200, hosted = false } = account;
  await database.query(
    `insert into account (id, type, name, config, continuity, reopen_within_s, hosted) values ($1, $2, $1, '{}', $3, $4, $5)`,
    [id, type, continuity, reopenWithinS, hosted],
  );
}

export async function addDestination(
  database: Database,
  destination: { id: string; events?: string[]; accounts?: string[]; channels?: string[] },
): Promise<void> {
  const { id, events = null, accounts = null, channels = null } = destination;
  await database.query(
    `insert into destination (id, type, config, filter_events, filter_accounts, filter_channels) values ($1, 'webhook', '{}', $2, $3, $4)`,
    [id, events, accounts, channels],
  );
}

let count = 0;

/** A message of a person, known by a phone number unless told. Every call is another provider event. */
export function message(from: string, text: string, more: Partial<InboundMessage> = {}): InboundMessage {
  count += 1;
  return {
    kind: 'message',
    dedupeKey: `event-${count}`,
    thread: from,
    sender: { handles: [{ scheme: 'phone', scope: '', value: from, proof: 'channel' }] },
    from: 'contact',
    parts: [{ type: 'text', text }],
    externalIds: [],
    ...more,
  };
}

export function receipt(
  externalId: string,
  status: 'sent' | 'delivered' | 'read' | 'failed',
  more: object = {},
): InboundEvent {
  count += 1;
  return { kind: 'receipt', dedupeKey: `receipt-${count}`, externalId, status, ...more };
}

export interface EventLine {
  type: string;
  sequence: number | null;
  data: {
    message?: { id: string; text: string; sequence: number; status: string; quoted: string | null; parts: Part[] };
    [key: string]: unknown;
  };
  conversation_id: string | null;
}

/** The stored events in the order of the stream, of one conversation or all. */
export function eventsOf(database: Database, conversationId?: string | null): Promise<EventLine[]> {
  return database.query<EventLine>(
    `select type, sequence, data, conversation_id from event where $1::text is null or conversation_id = $1 order by position`,
    [conversationId ?? null],
  );
}

export const ids = (stored: readonly StoredItem[]): (string | null)[] => stored.map(({ id }) => id);

/** Channels as plain data: one unit a part; rules by account id. */
export class FakeChannels implements ChannelDirectory {
  constructor(private readonly accounts: Record<string, Partial<AccountRules>>) {}

  fit(accountId: string, { parts, replyTo }: { parts: readonly Part[]; replyTo?: string }): FittedUnit[] {
    return parts.map((part, index) => ({
      ...(replyTo !== undefined && { replyTo }),
      index,
      count: parts.length,
      parts: [part],
      text: renderText([part]),
      ...(part.type === 'choices' && accountId !== 'buttons' && { choiceMap: part.options }),
      ...(part.type === 'text' && accountId === 'sms2' && { segments: countSegments(part.text) }),
    }));
  }

  rules(accountId: string): AccountRules | undefined {
    const rules = this.accounts[accountId];
    return (
      rules && {
        type: 'http',
        enabled: true,
        hosted: false,
        window: null,
        initiate: ['phone'],
        parts: ['text'],
        limits: {},
        ...rules,
      }
    );
  }

  accountsOf(type: string): readonly string[] {
    return Object.keys(this.accounts).filter((id) => this.rules(id)?.type === type);
  }
}
