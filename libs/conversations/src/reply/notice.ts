import type { Sql } from '#database';
import { type Handle, newId, type Part } from '#normalizer';
import type { ChannelDirectory } from '../ports.js';

/** Something that one person is told, and that is no part of any conversation. */
export interface Notice {
  readonly accountId: string;
  readonly to: Handle;
  readonly parts: readonly Part[];
  /** Where the channel has one. */
  readonly subject?: string;
  /** It is not sent after this. */
  readonly expiresAt: Date;
  /** False: all the same work, and nothing is sent. */
  readonly wanted: boolean;
}

const LAY_NOTICE = {
  name: 'lay_notice',
  text: 'select lay_notice($1, $2, $3::jsonb, $4::jsonb, $5, $6)',
};

/**
 * Puts a notice on its way over an account, inside the caller's transaction; say `database.hint('outbox')` once it is committed. No contact, thread, message or
 * event is made of it. It is sent once, as every provider message is, by whichever process can; a person who opted out on that account is left alone. Throws
 * `ProviderFailure` where the account cannot carry it.
 */
export async function layNotice(sql: Sql, channels: ChannelDirectory, notice: Notice): Promise<void> {
  const { accountId, to, parts, subject, expiresAt, wanted } = notice;
  const message = { parts, ...(subject !== undefined && { subject }) };
  const units = channels
    .fit(accountId, message, to.value)
    .map(({ choiceMap: _, ...content }) => ({ id: newId('unt'), content }));
  await sql.query(LAY_NOTICE, [newId('ntc'), accountId, JSON.stringify(to), JSON.stringify(units), expiresAt, wanted]);
}
