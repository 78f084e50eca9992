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
  writeAudit,
  type IdempotentRequest,
  type RecordedAnswer,
  type SecretPlace,
} from '#conversations';
import type { Database, Sql } from '#database';
import { Inject, Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { auditEntry } from '../../audit/audit-entry.js';
import { AuditLog } from '../../audit/audit-log.js';
import { DATABASE } from '../../tokens.js';
import { endpointOf, Finish, type Call, type CallingRequest, type Endpoint, type Reply } from './endpoint.js';
import { idempotent, readInput } from './input.js';
import { hangUpSignal } from './hang-up.js';
import { refusalOf } from './refuse.js';

interface Job {
  readonly spec: Endpoint;
  readonly request: CallingRequest;
  readonly call: Omit<Call, 'sql' | 'afterCommit' | 'hint'>;
  readonly handle: () => Promise<unknown>;
}

interface Once {
  readonly request: IdempotentRequest | null;
  readonly work: (sql: Sql) => Promise<unknown>;
}

/**
 * Runs an endpoint: validates the input, opens the transaction of a writing call, keeps the promise of `Idempotency-Key`, and writes the call into the audit log:
 * a change in its own transaction, all else beside it. Bound to every endpoint by `Serves`.
 */
@Injectable()
export class CallInterceptor implements NestInterceptor {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(Vault) private readonly vault: Vault,
    @Inject(AuditLog) private readonly audit: AuditLog,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const spec = endpointOf(context.getHandler());
    if (!spec) throw new Error('the interceptor stands before something that is no endpoint');
    const request = context.switchToHttp().getRequest<CallingRequest>();
    const reply = context.switchToHttp().getResponse<Reply>();
    const { caller } = request;
    if (!caller) throw new Error('the guard did not run');
    const handle = () => lastValueFrom(next.handle(), { defaultValue: undefined });
    const prepare = (): Job => {
      const call = { ...readInput(spec, request), caller, request, signal: hangUpSignal(reply) } as Job['call'];
      return { spec, request, call, handle };
    };
    return from(this.watched(spec, request, async () => this.run(prepare())));
  }

  /** Leaves a trace of the call in the audit log, unless its transaction did. */
  private async watched(spec: Endpoint, request: CallingRequest, run: () => Promise<unknown>): Promise<unknown> {
    try {
      const answer = await run();
      if (written.has(request)) return answer;
      await this.audit.note(auditEntry(spec, request, { status: spec.status, answer }));
      if (spec.method !== 'GET') await this.audit.flush();
      return answer;
    } catch (error) {
      await this.audit.note(auditEntry(spec, request, { status: refusalOf(error).status }));
      throw error;
    }
  }

  private async run(job: Job): Promise<unknown> {
    const answer = job.spec.work === 'outside' ? await this.outside(job) : await this.inside(job);
    await settle(afterwards.get(job.request) ?? []);
    return answer;
  }

  private inside(job: Job): Promise<unknown> {
    if (job.spec.method === 'GET') return this.handle(job, this.database);
    const request = idempotent(job.spec, job.call);
    return undisturbed(() => this.transaction(job, { request, work: (sql) => this.handle(job, sql) }));
  }

  /** Work that cannot be in a transaction. */
  private async outside(job: Job): Promise<unknown> {
    const asked = idempotent(job.spec, job.call);
    if (asked && !job.spec.upload) return this.claimed(job, { ...asked, claim: randomUUID() });
    const result = await this.handle(job, this.database);
    return result instanceof Finish ? this.finish(job, asked, result) : result;
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

  private async finish(job: Job, asked: IdempotentRequest | null, result: Finish): Promise<unknown> {
    const request = asked && { ...asked, fingerprint: fingerprint([asked.fingerprint, result.evidence]) };
    let done = false;
    const work = async (sql: Sql): Promise<unknown> => {
      const body = await result.commit(sql);
      done = true;
      return body;
    };
    try {
      return await this.transaction(job, { request, work });
    } finally {
      if (!done) await result.undo();
    }
  }

  private async transaction(job: Job, once: Once): Promise<unknown> {
    const body = await this.database.transaction((sql) => this.once(sql, job, once));
    written.add(job.request);
    return body;
  }

  private async once(sql: Sql, { spec, request: asking }: Job, { request, work }: Once): Promise<unknown> {
    const recorded = request && (await beginIdempotent(sql, request));
    const body = recorded ? this.replayed(request, recorded) : await work(sql);
    if (request && !recorded) await recordAnswer(sql, request, this.recordable(spec, request, body));
    await writeAudit(sql, [auditEntry(spec, asking, { status: spec.status, answer: body })]);
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

const ATTEMPTS = 3;
/** Two transactions stood in each other's way: nothing was written, and the same again will do. */
const DISTURBED: ReadonlySet<unknown> = new Set(['40001', '40P01']);

async function undisturbed<T>(work: () => Promise<T>, attempt = 1): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (attempt >= ATTEMPTS || !DISTURBED.has((error as { code?: unknown }).code)) throw error;
    return undisturbed(work, attempt + 1);
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

/** Requests whose transaction has written them into the audit log. */
const written = new WeakSet<CallingRequest>();

const afterwards = new WeakMap<CallingRequest, (() => void | Promise<void>)[]>();
