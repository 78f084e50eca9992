import type { Standing } from '#channels';
import type { Database, Statement } from '#database';
import type { Logger } from 'pino';

export interface StateReport extends Standing {
  /** That an account which holds no connection begins well is no news. */
  readonly quiet?: boolean;
}

/** Changes the account's state and tells the stream, once for each change and each gap. */
const CHANGE: Statement = {
  name: 'account_state',
  text: `with changed as (
      update account set state = $2, state_detail = $3, state_link = $7, updated_at = updated_at where id = $1 and removed_at is null
        and (state, coalesce(state_detail, ''), coalesce(state_link, '')) is distinct from ($2, $3, coalesce($7, '')) returning id, (select a.state from account a where a.id = $1) as before)
    select case when ($6 or before <> $2) and not ($5 and before = 'connecting') then emit('account.' || $2, null, null, id, $4::jsonb, clock_timestamp()) end from changed`,
};

/** What is known of the connections of accounts: kept in table `account`, told as `account.connected`, `account.degraded`, `account.disconnected`. */
export class AccountStates {
  private readonly reported = new Map<string, string>();

  constructor(private readonly parts: { database: Database; log: Logger }) {}

  /** Notes a state. The same state again costs nothing. Never throws; resolves with whether the database took it: if not, the same report is made again next time. */
  async report(accountId: string, { quiet = false, link, ...report }: StateReport): Promise<boolean> {
    const text = JSON.stringify([report, link]);
    if (this.reported.get(accountId) === text) return true;
    this.reported.set(accountId, text);
    try {
      await this.parts.database.query(CHANGE, [
        accountId,
        report.state,
        report.detail,
        JSON.stringify({ status: report }),
        quiet,
        report.gap !== undefined,
        link ?? null,
      ]);
      this.parts.database.hint('outbox');
      this.parts.log[report.state === 'connected' ? 'info' : 'warn'](
        { account: accountId, ...report },
        `account ${report.state}`,
      );
      return true;
    } catch (error) {
      this.reported.delete(accountId);
      this.parts.log.warn({ err: error, account: accountId }, 'the state of an account could not be stored');
      return false;
    }
  }

  /** Another process may have reported meanwhile: the next report is made whatever it says. */
  forget(accountId: string): void {
    this.reported.delete(accountId);
  }
}
