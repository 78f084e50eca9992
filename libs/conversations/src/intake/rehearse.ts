import type { Database, Sql } from '#database';
import { findContact, type ContactRecord } from '#identity';
import { parseInbound, type Conversation, type InboundEvent, type Message } from '#normalizer';
import { getConversation } from '../queries/conversations.js';
import { getMessage } from '../queries/messages.js';
import { arrange } from './arrange.js';
import { toItem } from './item.js';

/** What would have become of an event. */
export interface Rehearsed {
  /** Was it stored before, so that nothing would come of it? */
  readonly duplicate: boolean;
  readonly message: Message | null;
  readonly contact: ContactRecord | null;
  readonly conversation: Conversation | null;
  /** Are contact and conversation known already? */
  readonly known: { readonly contact: boolean; readonly conversation: boolean };
}

/** Carries what was found out of a transaction of which nothing is to stay. */
class Undone extends Error {
  constructor(readonly found: Omit<Rehearsed, 'known'>) {
    super('nothing of it stays');
  }
}

/** Takes an event in as intake would, looks at what came of it, and undoes all of it. Null for what is never stored. Throws what the store says of it. */
export async function rehearse(database: Database, accountId: string, event: InboundEvent): Promise<Rehearsed | null> {
  const items = arrange(toItem(accountId, parseInbound(event)));
  if (items.length === 0) return null;
  const found = await database
    .transaction(async (sql): Promise<never> => {
      throw new Undone(await takeIn(sql, JSON.stringify(items)));
    })
    .catch((error: unknown) => {
      if (error instanceof Undone) return error.found;
      throw error;
    });
  const { contact, conversation } = found;
  const [known] = await database.query<Rehearsed['known']>(
    `select exists (select 1 from contact where id = $1) as contact, exists (select 1 from conversation where id = $2) as conversation`,
    [contact?.id ?? null, conversation?.id ?? null],
  );
  return { ...found, known: known! };
}

async function takeIn(sql: Sql, items: string): Promise<Omit<Rehearsed, 'known'>> {
  const rows = await sql.query<
    Record<'item_id' | 'contact_id' | 'conversation_id', string | null> & {
      duplicate: boolean;
      position: number | null;
    }
  >('select * from intake($1::jsonb, null)', [items]);
  const {
    item_id: id = null,
    duplicate = false,
    contact_id: contact = null,
    conversation_id: conversation = null,
  } = rows.find(({ position }) => position === null) ?? {};
  return {
    duplicate,
    message: id?.startsWith('msg_') ? await getMessage(sql, id, null) : null,
    contact: contact === null ? null : await findContact(sql, contact),
    conversation: conversation === null ? null : await getConversation(sql, conversation, null),
  };
}
