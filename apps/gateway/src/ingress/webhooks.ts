import type { ParsedRequest, StoredEvent, WebhookIngress } from '#channels';
import { Overloaded } from '#conversations';
import { isTransient } from '#database';
import {
  constantTimeEqual,
  MalformedRequest,
  receive,
  type RawExchange,
  type RawRequest,
  type ReplyToProvider,
} from '#transport';
import type { Logger } from 'pino';
import type { Directory, RunningAccount } from '../directory/index.js';
import type { Metrics } from '../ops/metrics.js';
import { FAILED, malformed, NOT_FOUND, overloaded, tooMany, UNAVAILABLE, UNSIGNED } from './answers.js';
import type { Arrivals } from './arrivals.js';
import type { Opened, Opener } from './endpoint-routes.js';
import type { FailureGate } from './failure-gate.js';

export interface WebhookParts {
  readonly directory: Directory;
  readonly arrivals: Arrivals;
  readonly gate: FailureGate;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Root of the addresses that providers call, from the settings. */
  readonly publicUrl: string;
  /** Country of phone numbers without a country code. */
  readonly country?: string | undefined;
  /** The callback only announces: the account is to be polled now, by whichever process polls it. */
  readonly wake: (accountId: string, said?: string) => void;
  /** Notes a genuine request for the traces of the messages that it brought or told of; of none where it could not be read. Must be quick: the answer waits for it. */
  readonly trace: (account: RunningAccount, exchange: RawExchange, messageIds: readonly string[]) => void;
  /** A genuine request came in. */
  readonly heard: (account: RunningAccount) => void;
}

interface Call {
  readonly account: RunningAccount;
  readonly webhook: WebhookIngress<unknown>;
  readonly sender: string;
  /** Path parts that name the account, and its secret where that guards it. */
  readonly guardParts: number;
  readonly path: readonly string[];
}

/** `/channels/{accountId}`: what providers call. */
export class Webhooks {
  constructor(private readonly parts: WebhookParts) {}

  /** Whose request is it, and may it be read at all? */
  readonly open: Opener = ({ path, remoteAddress }) => {
    const { directory, gate, metrics } = this.parts;
    const [id = ''] = path;
    const account = directory.account(id);
    const webhook = account?.adapter.ingress.webhook;
    if (!account && directory.broken().has(id)) return UNAVAILABLE;
    if (!account?.enabled || !webhook) return this.unknown(account);
    const sender = `${id} ${remoteAddress}`;
    if (gate.closed(sender)) {
      metrics.intakeRequest(account.type, 'limited');
      return tooMany(gate.retryAfterS());
    }
    const call = { account, webhook, sender, path, guardParts: webhook.guard === 'secret-path' ? 2 : 1 };
    if (webhook.guard === 'secret-path' && !constantTimeEqual(path[1] ?? '', pathSecret(account))) {
      this.noteFailure(call, 'the path holds another secret');
      return this.unknown(account);
    }
    return this.opened(call);
  };

  private unknown(account: RunningAccount | undefined): ReplyToProvider {
    this.parts.metrics.intakeRequest(account?.type ?? 'none', 'unknown');
    return NOT_FOUND;
  }

  private opened(call: Call): Opened {
    const { type } = call.account;
    return {
      maxBytes: call.webhook.maxBytes,
      refused: (reason) => this.parts.metrics.intakeRequest(type, reason === 'incomplete' ? 'malformed' : reason),
      handle: async (request) => {
        const at = Date.now();
        try {
          return await this.handle(call, request);
        } catch (error) {
          return this.failed(call, error, { request, at });
        }
      },
    };
  }

  private async handle(call: Call, raw: RawRequest): Promise<ReplyToProvider> {
    const { account, webhook, path, guardParts } = call;
    const { metrics, gate, arrivals } = this.parts;
    const started = performance.now();
    const at = Date.now();
    const publicUrl = `${this.parts.publicUrl}/channels/${path.join('/')}`;
    const request = { ...raw, subPath: path.slice(guardParts).join('/') };
    const received = receive(webhook, request, {
      accountId: account.id,
      config: account.config,
      publicUrl,
      defaultCountry: this.parts.country,
      now: at,
    });
    if (received.kind === 'reject') {
      metrics.intakeRequest(account.type, 'rejected');
      this.noteFailure(call, received.reason);
      return UNSIGNED;
    }
    gate.succeeded(call.sender);
    if (received.kind === 'challenge') {
      metrics.intakeRequest(account.type, 'challenge');
      return received.reply;
    }
    this.parts.heard(account);
    const stored = await arrivals.accept(account, received.parsed.events);
    const { wake } = received.parsed;
    if (wake) this.parts.wake(account.id, wake === true ? undefined : wake);
    const repeated = stored.length > 0 && stored.every(({ duplicate }) => duplicate);
    const durationMs = performance.now() - started;
    metrics.intakeRequest(account.type, repeated ? 'duplicate' : 'accepted', durationMs / 1_000);
    const reply = replyOf(received.parsed, stored);
    const fresh = stored.flatMap(({ id, duplicate }) => (id === null || duplicate ? [] : [id]));
    if (fresh.length > 0)
      this.parts.trace(account, exchangeOf(raw, { at, durationMs: Math.round(durationMs), publicUrl, reply }), fresh);
    return reply;
  }

  private failed({ account, path }: Call, error: unknown, came: { request: RawRequest; at: number }): ReplyToProvider {
    const { metrics, log, trace, publicUrl } = this.parts;
    const { request, at } = came;
    /** What the adapter does not cope with is what its author wants to see. */
    const noted = (reply: ReplyToProvider) => {
      const how = { at, durationMs: Date.now() - at, publicUrl: `${publicUrl}/channels/${path.join('/')}`, reply };
      trace(account, exchangeOf(request, how), []);
      return reply;
    };
    if (error instanceof MalformedRequest) {
      metrics.intakeRequest(account.type, 'malformed');
      log.warn({ account: account.id, reason: error.message }, 'a genuine request is not of the documented form');
      return noted(malformed(error.message));
    }
    if (error instanceof Overloaded) {
      metrics.intakeRequest(account.type, 'overloaded');
      log.warn({ account: account.id }, 'more comes in than the store takes: senders are told to come again');
      return overloaded(error.retryAfterS);
    }
    const passing = isTransient(error);
    metrics.intakeRequest(account.type, passing ? 'unavailable' : 'failed');
    log.error(
      { err: error, account: account.id },
      passing ? 'nothing can be stored now' : 'a request could not be handled',
    );
    return passing ? UNAVAILABLE : noted(FAILED);
  }

  /** Logged at the first failure of an address in a minute and at every hundredth after: a flood must not fill the disk. */
  private noteFailure({ account, sender }: Call, reason: string): void {
    const count = this.parts.gate.failed(sender);
    if (count % 100 !== 1) return;
    this.parts.log.warn({ account: account.id, reason, failuresThisMinute: count }, 'a request was not genuine');
  }
}

function exchangeOf(
  { method, query, headers, body }: RawRequest,
  how: { at: number; durationMs: number; publicUrl: string; reply: ReplyToProvider },
): RawExchange {
  const { at, durationMs, publicUrl, reply } = how;
  const answer = reply.body === undefined ? null : Buffer.from(reply.body);
  return {
    at,
    durationMs,
    request: { method, url: query.size > 0 ? `${publicUrl}?${query.toString()}` : publicUrl, headers, body },
    response: { status: reply.status, headers: reply.headers ?? {}, body: answer },
    failure: null,
  };
}

function replyOf({ reply }: ParsedRequest, stored: readonly StoredEvent[]): ReplyToProvider {
  if (!reply) return { status: 200 };
  return typeof reply === 'function' ? reply(stored) : reply;
}

/** An account without a path secret can be reached by nobody: no path part is as long as this. */
function pathSecret({ config }: RunningAccount): string {
  const { pathSecret: secret } = (config ?? {}) as { pathSecret?: unknown };
  return typeof secret === 'string' && secret !== '' ? secret : '/';
}
