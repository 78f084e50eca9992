import type { Leases } from '#conversations';
import type { Database, Statement } from '#database';

const NEXT_END: Statement = {
  name: 'lease_next_end',
  text: `select (extract(epoch from min(expires_at) - clock_timestamp()) * 1000)::float8 as "leftMs" from lease
    where holder not in ('', $1) and expires_at > clock_timestamp()`,
};
/** After the end, by the database's clock. */
const SLACK_MS = 20;

/**
 * Looks for leases of other processes that nobody renews, and hints `leases` at the moment at which they run out: what a dead process held is taken over then,
 * and not at some later heartbeat.
 */
export class LeaseWatch {
  private timer: NodeJS.Timeout | undefined;
  private unhook: (() => void) | undefined;

  constructor(private readonly parts: { database: Database; leases: Leases }) {}

  start(): void {
    this.unhook = this.parts.leases.onBeat(() => this.look());
    this.look().catch(() => undefined);
  }

  stop(): void {
    this.unhook?.();
    clearTimeout(this.timer);
  }

  /** Every living process renews what it holds well before it could end within one heartbeat. */
  private async look(): Promise<void> {
    const { database, leases } = this.parts;
    const [next] = await database.query<{ leftMs: number | null }>(NEXT_END, [leases.holder]);
    const leftMs = next?.leftMs ?? Infinity;
    if (leftMs > leases.heartbeatMs * 1.2) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      database.hint('leases');
      this.look().catch(() => undefined);
    }, leftMs + SLACK_MS).unref();
  }
}
