import type { DestinationFilter } from '#conversations';
import type { StreamEvent } from '#normalizer';
import type { Log, RelayDirectory } from './ports.js';

/** Longest that a live event may take: later it says nothing any more. */
const LIVE_MS = 5_000;
/** Most live events under way to one destination; more are dropped. */
const MOST = 16;

/** Events that are worth something only now (`typing.*`): not stored, not ordered, not repeated. */
export class Live {
  private readonly underWay = new Map<string, number>();

  constructor(
    private readonly directory: Pick<RelayDirectory, 'destinations' | 'connectorContext'>,
    private readonly log: Log,
  ) {}

  /** Posts to every destination that takes the stream as it is and whose filter admits the event. Never throws. */
  async deliver(event: StreamEvent): Promise<void> {
    const admitting = this.directory
      .destinations()
      .filter(
        ({ state, connector, filter }) =>
          state === 'active' && connector.capabilities.kind === 'stream' && admits(filter, event),
      );
    await Promise.all(admitting.map((destination) => this.post(destination, event)));
  }

  private async post(
    destination: ReturnType<RelayDirectory['destinations']>[number],
    event: StreamEvent,
  ): Promise<void> {
    const underWay = this.underWay.get(destination.id) ?? 0;
    if (underWay >= MOST) return;
    this.underWay.set(destination.id, underWay + 1);
    try {
      const context = { signal: AbortSignal.timeout(LIVE_MS), eventId: event.id, replay: false };
      await destination.connector.deliver([event], this.directory.connectorContext(destination, context));
    } catch (error) {
      this.log.info({ destination: destination.id, reason: String(error) }, 'a live event was not taken');
    } finally {
      this.underWay.set(destination.id, (this.underWay.get(destination.id) ?? 1) - 1);
    }
  }
}

/** The filter of a destination, as SQL `admits` has it: `accounts` tests the event's account, else any thread's. */
export function admits(filter: DestinationFilter, { type, data }: StreamEvent): boolean {
  const threads = data?.conversation?.threads ?? [];
  const accounts = data?.account ? [data.account.id] : threads.map(({ accountId }) => accountId);
  const channels = data?.account ? [data.account.channel] : threads.map(({ channel }) => channel);
  const overlaps = (wanted: readonly string[] | undefined, has: readonly string[]): boolean =>
    !wanted || has.some((one) => wanted.includes(one));
  const named = (pattern: string): boolean =>
    new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`).test(type);
  return (
    (filter.events?.some(named) ?? true) && overlaps(filter.accounts, accounts) && overlaps(filter.channels, channels)
  );
}
