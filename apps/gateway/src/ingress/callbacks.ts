import { changeConversation, Conflict, NotFound, park, type RepliesPort } from '#conversations';
import { type Database, isTransient, type Sql } from '#database';
import type { HelpdeskAction } from '#helpdesk';
import { cleanDeep, InvalidInput, newId, parseWith, ProviderFailure, ReplyInput } from '#normalizer';
import { MalformedRequest, receive, type RawRequest, type ReplyToProvider } from '#transport';
import type { Logger } from 'pino';
import type { Directory, RunningDestination } from '../directory/index.js';
import { FAILED, malformed, NOT_FOUND, tooMany, UNAVAILABLE, UNSIGNED } from './answers.js';
import type { Opener } from './endpoint-routes.js';
import type { FailureGate } from './failure-gate.js';

export interface CallbackParts {
  readonly database: Database;
  readonly directory: Directory;
  readonly replies: RepliesPort;
  readonly gate: FailureGate;
  readonly log: Logger;
  readonly publicUrl: string;
  /** The callback only announces: the destination is to be polled now. */
  readonly wake: (destinationId: string) => void;
}

const FIND =
  'select conversation_id as id from reference where destination_id = $1 and ticket_id = $2 order by updated_at desc limit 1';
const TAKE = `insert into inbox (account_id, dedupe_key, received_at) values ($1, $2, now()) on conflict do nothing returning 1`;

/** `/destinations/{id}/callback`, and what connectors read by polling: what agents did in the ticket system. */
export class Callbacks {
  constructor(private readonly parts: CallbackParts) {}

  readonly open: Opener = ({ path, remoteAddress }) => {
    const { directory, gate } = this.parts;
    const destination = directory.destination(path[0] ?? '');
    const { callback } = destination?.connector ?? {};
    if (!destination || !callback || path[1] !== 'callback') return NOT_FOUND;
    const sender = `destination ${destination.id} ${remoteAddress}`;
    if (gate.closed(sender)) return tooMany(gate.retryAfterS());
    return {
      maxBytes: callback.maxBytes,
      handle: async (request) => {
        try {
          return await this.handle(destination, { ...request, subPath: path.slice(2).join('/') }, sender);
        } catch (error) {
          return this.failed(destination, error);
        }
      },
    };
  };

  /** Carries out what agents did, each action once. One that cannot be carried out is parked in `poison` and logged. Throws `DatabaseUnavailable`. */
  async act(destination: RunningDestination, actions: readonly HelpdeskAction[]): Promise<void> {
    for (const action of actions) {
      try {
        const threadId = await this.parts.database.transaction((sql) => this.actOnce(sql, destination, action));
        if (threadId) this.parts.database.hint('thread', threadId);
      } catch (error) {
        if (isTransient(error) || !isRefusal(error)) throw error;
        await this.park(destination, action, error);
      }
    }
    this.parts.database.hint('outbox');
  }

  private async handle(destination: RunningDestination, request: RawRequest, sender: string): Promise<ReplyToProvider> {
    const received = receive(destination.connector.callback!, request, {
      destinationId: destination.id,
      config: destination.config,
      publicUrl: `${this.parts.publicUrl}/destinations/${destination.id}/callback${request.subPath && `/${request.subPath}`}`,
      now: Date.now(),
    });
    if (received.kind === 'reject') {
      if (this.parts.gate.failed(sender) % 100 === 1) {
        this.parts.log.warn({ destination: destination.id, reason: received.reason }, 'a callback was not genuine');
      }
      return UNSIGNED;
    }
    this.parts.gate.succeeded(sender);
    if (received.kind === 'challenge') return received.reply;
    await this.act(destination, received.parsed.actions);
    if (received.parsed.wake) this.parts.wake(destination.id);
    return received.parsed.reply ?? { status: 200 };
  }

  /** Returns the thread that has a new message, if any. */
  private async actOnce(sql: Sql, destination: RunningDestination, action: HelpdeskAction): Promise<string | null> {
    const taken = await sql.query(TAKE, [source(destination), action.dedupeKey]);
    if (taken.length === 0) return null;
    const [conversation] = await sql.query<{ id: string }>(FIND, [destination.id, action.ticketId]);
    if (!conversation) throw new NotFound(`no conversation is known under ticket ${action.ticketId}`);
    if (action.kind === 'reply') {
      const { threadId } = await this.parts.replies.reply(sql, conversation.id, parseWith(ReplyInput, action.reply));
      return threadId;
    }
    await changeConversation(sql, conversation.id, { change: { status: action.status }, accounts: null });
    return null;
  }

  private async park(destination: RunningDestination, action: HelpdeskAction, error: Error): Promise<void> {
    const { kind, ticketId, dedupeKey } = action;
    this.parts.log.warn(
      { destination: destination.id, kind, ticketId, reason: error.message },
      'what an agent did cannot be carried out',
    );
    const input = JSON.stringify(cleanDeep(action));
    const place = { id: newId('evt'), accountId: source(destination), dedupeKey };
    await park(this.parts.database, { ...place, stage: 'action', input, error: error.message });
  }

  private failed(destination: RunningDestination, error: unknown): ReplyToProvider {
    if (error instanceof MalformedRequest) {
      this.parts.log.warn(
        { destination: destination.id, reason: error.message },
        'a genuine callback is not of the documented form',
      );
      return malformed(error.message);
    }
    this.parts.log.error({ err: error, destination: destination.id }, 'a callback could not be handled');
    return isTransient(error) ? UNAVAILABLE : FAILED;
  }
}

/** What an agent did is not possible: no fault of ours, and nothing that a repetition would change. */
function isRefusal(error: unknown): error is Error {
  return (
    error instanceof NotFound ||
    error instanceof Conflict ||
    error instanceof ProviderFailure ||
    error instanceof InvalidInput
  );
}

/** Under which name the actions of a destination stand in tables `inbox` and `poison`, beside those of accounts. */
function source({ id }: RunningDestination): string {
  return `destination:${id}`;
}
