import type { Sql } from '#database';
import type { Handle } from '#normalizer';

/** A message by a name that its provider gave it. */
export interface NamedMessage {
  readonly externalId: string;
  readonly direction: 'inbound' | 'outbound';
  /** The provider's own name of its thread, and whose that is, with what proof. */
  readonly thread: string;
  readonly handles: readonly Handle[];
  /** When it was stored, milliseconds since the epoch. */
  readonly at: number;
}

const MOST = 1_000;

/** A message that went another way in the end was named on the thread of its unit. */
const FIND = {
  name: 'known_messages',
  text: `select r.external_id as "externalId", m.direction, t.external_id as thread, t.handles, (extract(epoch from m.received_at) * 1000)::float8 as at
    from external_ref r join message m on m.id = r.message_id left join unit u on u.id = r.unit_id join thread t on t.id = coalesce(u.thread_id, m.thread_id)
    where r.account_id = $1 and r.external_id = any ($2::text[])`,
};

/** The messages of an account that its provider knows by these names, of at most 1,000; names that none has are left out. */
export function knownMessages(sql: Sql, accountId: string, externalIds: readonly string[]): Promise<NamedMessage[]> {
  // The database holds no text with a zero in it, and refuses the question.
  const names = externalIds.slice(0, MOST).filter((id) => !id.includes('\0'));
  return names.length === 0 ? Promise.resolve([]) : sql.query<NamedMessage>(FIND, [accountId, names]);
}
