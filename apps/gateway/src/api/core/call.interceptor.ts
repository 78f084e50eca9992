import { randomUUID } from 'node:crypto';
import {
  beginIdempotent,
  claimIdempotent,
  fingerprint,
  IDEMPOTENCY,
  recordAnswer,
  releaseClaim,
  renewClaim,
  Vault,
  type IdempotentRequest,
  type RecordedAnswer,
  type SecretPlace,
} from '#conversations';
import type { Database, Sql } from '#database';
import { Inject, Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { DATABASE } from '../../tokens.js';
import { endpointOf, Finish, type Call, type CallingRequest, type Endpoint, type Reply } from './endpoint.js';
import { idempotent, readInput } from './input.js';
import { hangUpSignal } from './hang-up.js';

interface Job {
  readonly spec: Endpoint;
  readonly request: CallingRequest;
  readonly call: Omit<Call, 'sql' | 'afterCommit' | 'hint'>;
  readonly handle: () => Promise<unknown>;
}

interface Once {
  readonly request: IdempotentRequest | null;
  readonly work: () => Promise<unknown>;
}

/**
 * Runs an endpoint: validates the input, opens the transaction of a writing call, and keeps the promise of `Idempotency-Key`. Bound to every
 * endpoint by `Serves`.
 */
@Injectable()
export class CallInterceptor implements NestInterceptor {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(Vault) private readonly vault: Vault,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const spec = endpointOf(context.getHandler());
    if (!spec) throw new Error('the interceptor stands before something that is no endpoint');
    const request = context.switchToHttp().getRequest<CallingRequest>();
    const reply = context.switchToHttp().getResponse<Reply>();
    const { caller } = request;
    if (!caller) throw new Error('the guard did not run');
    const call = { ...readInput(spec, request), caller, request, signal: hangUpSignal(reply) } as Job['call'];
    return from(
      this.run({ spec, request, call, handle: () => lastValueFrom(next.handle(), { defaultValue: undefined }) }),
    );
  }

  private async run(job: Job): Promise<unknown> {
    const answer = job.spec.work === 'outside' ? await this.outside(job) : await this.inside(job);
    await settle(afterwards.get(job.request) ?? []);
    return answer;
  }

  private inside(job: Job): Promise<unknown> {
    if (job.spec.method === 'GET') return this.handle(job, this.database);
    const request = idempotent(job.spec, job.call);
    return this.database.transaction((sql) => this.once(sql, job.spec, { request, work: () => this.handle(job, sql) }));
  }

  /** Work that cannot be in a transaction. */
  private async outside(job: Job): Promise<unknown> {
    const asked = idempotent(job.spec, job.call);
    if (asked && !job.spec.upload) return this.claimed(job, { ...asked, claim: randomUUID() });
    const result = await this.handle(job, this.database);
    return result instanceof Finish ? this.finish(job.spec, asked, result) : result;
  }

  /** Work outside of a transaction is claimed first, so that repetitions wait for it and get its answer. */
  private async claimed(job: Job, asked: IdempotentRequest): Promise<unknown> {
    const recorded = await claimIdempotent(this.database, asked);
    if (recorded) return this.replayed(asked, recorded);
    const renew = (): void => void renewClaim(this.database, asked).catch(() => undefined);
    const renewing = setInterval(renew, IDEMPOTENCY.renewS * 1_000).unref();
    try {
      const body = await this.handle(job, this.database);
      await recordAnswer(this.database, asked, this.recordable(job.spec, asked, body));
      return body;
    } catch (error) {
      await releaseClaim(this.database, asked).catch(() => undefined);
      throw error;
    } finally {
      clearInterval(renewing);
    }
  }

  private async finish(spec: Endpoint, asked: IdempotentRequest | null, result: Finish): Promise<unknown> {
    const request = asked && { ...asked, fingerprint: fingerprint([asked.fingerprint, result.evidence]) };
    let done = false;
    const work = (sql: Sql) => async () => {
      const body = await result.commit(sql);
      done = true;
      return body;
    };
    try {
      return await this.database.transaction((sql) => this.once(sql, spec, { request, work: work(sql) }));
    } finally {
      if (!done) await result.undo();
    }
  }

  private async once(sql: Sql, spec: Endpoint, { request, work }: Once): Promise<unknown> {
    const recorded = request && (await beginIdempotent(sql, request));
    if (recorded) return this.replayed(request, recorded);
    const body = await work();
    if (request) await recordAnswer(sql, request, this.recordable(spec, request, body));
    return body;
  }

  private handle({ call, request, handle }: Job, sql: Sql): Promise<unknown> {
    const after: (() => void | Promise<void>)[] = [];
    afterwards.set(request, after);
    request.call = {
      ...call,
      sql,
      afterCommit: (work) => void after.push(work),
      hint: (...hints) => void after.push(() => hints.forEach((hint) => this.database.hint(...toHint(hint)))),
    };
    return handle();
  }

  /** An answer that shows a secret once can be shown again to whoever repeats the request, and by nobody who reads the database. */
  private recordable({ secretAnswer, status }: Endpoint, request: IdempotentRequest, body: unknown): RecordedAnswer {
    return { status, body: secretAnswer ? { sealed: this.vault.seal(JSON.stringify(body), placeOf(request)) } : body };
  }

  private replayed(request: IdempotentRequest, { body }: RecordedAnswer): unknown {
    const sealed = (body as { sealed?: unknown } | null)?.sealed;
    return typeof sealed === 'string'
      ? (JSON.parse(this.vault.open(sealed, placeOf(request))) as unknown)
      : (body ?? undefined);
  }
}

function toHint(hint: string | readonly [string, string]): [string, string?] {
  return typeof hint === 'string' ? [hint] : [...hint];
}

function placeOf({ scope, key }: IdempotentRequest): SecretPlace {
  return { table: 'idempotency', id: `${scope} ${key}`, field: 'body' };
}

/** The effect is committed, and the caller is told so whatever becomes of these: all of them catch up by themselves. */
async function settle(works: readonly (() => void | Promise<void>)[]): Promise<void> {
  for (const work of works) {
    try {
      await work();
    } catch {
      continue;
    }
  }
}

const afterwards = new WeakMap<CallingRequest, (() => void | Promise<void>)[]>();
