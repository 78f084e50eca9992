import { isTransient } from '#database';
import { DeliveryRefused } from '#helpdesk';
import { ProviderFailure } from '#normalizer';
import { MalformedRequest, receive, type RawRequest, type ReplyToProvider } from '#transport';
import type { Logger } from 'pino';
import type { Directory, RunningDestination } from '../directory/index.js';
import type { AgentActions } from './agent-actions.js';
import { FAILED, malformed, NOT_FOUND, tooMany, UNAVAILABLE, UNSIGNED } from './answers.js';
import type { Opener } from './endpoint-routes.js';
import type { FailureGate } from './failure-gate.js';

export interface CallbackParts {
  readonly directory: Directory;
  readonly actions: Pick<AgentActions, 'act'>;
  readonly gate: FailureGate;
  readonly log: Logger;
  readonly publicUrl: string;
  /** The callback only announces: the destination is to be polled now. */
  readonly wake: (destinationId: string) => void;
}

/** Ticket systems wait 5 to 30 s for an answer: what is not carried out by then is told again, or read by the poll. */
const ACT_MS = 10_000;

/** `/destinations/{id}/callback`: what agents did in the ticket system. */
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
    if (received.parsed.wake) this.parts.wake(destination.id);
    await this.parts.actions.act(destination, received.parsed.actions, AbortSignal.timeout(ACT_MS));
    return received.parsed.reply ?? { status: 200 };
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
    return isTransient(error) || error instanceof ProviderFailure || error instanceof DeliveryRefused
      ? UNAVAILABLE
      : FAILED;
  }
}
