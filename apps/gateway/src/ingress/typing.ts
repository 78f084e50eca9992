import type { Database, Statement } from '#database';
import { newId, type EventData, type StreamEvent } from '#normalizer';
import type { Logger } from 'pino';
import type { TypingSink } from './arrivals.js';

/** The same again within this time says nothing new. */
const REPEAT_MS = 3_000;
const MOST = 10_000;

const SNAPSHOT: Statement = {
  name: 'typing_snapshot',
  text: `select jsonb_build_object('conversation', conversation_view(c) || '{"references":[]}', 'contact', contact_view(c.contact_id),
      'account', account_view(t.account_id)) as data
    from thread t join conversation c on c.id = t.conversation_id join contact p on p.id = c.contact_id
    where t.account_id = $1 and t.external_id = $2 and c.status <> 'closed' and not p.blocked`,
};

/** Makes `typing.started` and `typing.stopped` of what customers do right now. Known threads only; nothing is stored, nothing repeated. */
export class Typing implements TypingSink {
  private readonly last = new Map<string, { on: boolean; at: number }>();

  constructor(
    private readonly parts: { database: Database; log: Logger; deliver: (event: StreamEvent) => Promise<void> },
  ) {}

  typing(accountId: string, thread: string, on: boolean): void {
    const key = `${accountId} ${thread}`;
    const before = this.last.get(key);
    const at = performance.now();
    if (before?.on === on && at - before.at < REPEAT_MS) return;
    this.last.delete(key);
    if (this.last.size >= MOST) this.last.delete(this.last.keys().next().value!);
    this.last.set(key, { on, at });
    this.pass(accountId, thread, on).catch((error: unknown) =>
      this.parts.log.debug({ err: error, account: accountId }, 'typing was not passed on'),
    );
  }

  private async pass(accountId: string, thread: string, on: boolean): Promise<void> {
    const [row] = await this.parts.database.query<{ data: EventData }>(SNAPSHOT, [accountId, thread]);
    if (!row) return;
    const type = on ? 'typing.started' : 'typing.stopped';
    await this.parts.deliver({
      id: newId('evt'),
      type,
      timestamp: new Date().toISOString(),
      sequence: null,
      data: row.data,
    });
  }
}
