import type { Database, Statement } from '#database';
import { newId, type EventData, type StreamEvent } from '#normalizer';
import type { Logger } from 'pino';
import type { TypingSink } from './arrivals.js';

/** The same again within this time says nothing new. */
const REPEAT_MS = 3_000;
/** Between two changes of one thread: each one is a query and a request to every destination. */
const GAP_MS = 1_000;
const MOST = 10_000;

/** What was passed on of a thread, and what is to follow once the gap is over. */
interface Told {
  on: boolean;
  at: number;
  next?: { on: boolean; timer: NodeJS.Timeout };
}

const SNAPSHOT: Statement = {
  name: 'typing_snapshot',
  text: `select jsonb_build_object('conversation', conversation_view(c) || '{"references":[]}', 'contact', contact_view(c.contact_id),
      'account', account_view(t.account_id)) as data
    from thread t join conversation c on c.id = t.conversation_id join contact p on p.id = c.contact_id
    where t.account_id = $1 and t.external_id = $2 and c.status <> 'closed' and not p.blocked`,
};

/**
 * Makes `typing.started` and `typing.stopped` of what customers do right now. Known threads only; nothing is stored, nothing repeated, and of changes that
 * follow each other within a second only the last is told, late.
 */
export class Typing implements TypingSink {
  private readonly told = new Map<string, Told>();

  constructor(
    private readonly parts: { database: Database; log: Logger; deliver: (event: StreamEvent) => Promise<void> },
  ) {}

  typing(accountId: string, thread: string, on: boolean): void {
    const key = `${accountId} ${thread}`;
    const before = this.told.get(key);
    if (before?.next) before.next.on = on;
    else if (before && performance.now() - before.at < GAP_MS) {
      if (before.on === on) return;
      const timer = setTimeout(() => this.tell(accountId, thread, before.next!.on), GAP_MS).unref();
      before.next = { on, timer };
    } else if (before?.on !== on || performance.now() - before.at >= REPEAT_MS) this.tell(accountId, thread, on);
  }

  private tell(accountId: string, thread: string, on: boolean): void {
    const key = `${accountId} ${thread}`;
    const before = this.told.get(key);
    const unchanged = before?.next !== undefined && before.on === on;
    this.forget(key);
    const oldest = this.told.size >= MOST ? this.told.keys().next().value : undefined;
    if (oldest !== undefined) this.forget(oldest);
    this.told.set(key, { on, at: performance.now() });
    if (unchanged) return;
    this.pass(accountId, thread, on).catch((error: unknown) =>
      this.parts.log.debug({ err: error, account: accountId }, 'typing was not passed on'),
    );
  }

  private forget(key: string): void {
    clearTimeout(this.told.get(key)?.next?.timer);
    this.told.delete(key);
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
