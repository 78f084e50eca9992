import { timingSafeEqual } from 'node:crypto';
import { findApiKey, hashKey } from '#conversations';
import type { Database } from '#database';
import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { auditEntry } from '../../audit/audit-entry.js';
import { AuditLog } from '../../audit/audit-log.js';
import { SharedLimit } from '../../limits/index.js';
import { DATABASE } from '../../tokens.js';
import { API_OPTIONS, type ApiOptions } from '../options.js';
import { endpointOf, type CallingRequest } from './endpoint.js';
import { Refusal } from './problem.js';
import { hasScope, LIMITABLE, type Caller, type Scope } from './scopes.js';

/** Lets in whoever has a valid key with the endpoint's scope, within the key's rate. Bound to every endpoint by `Serves`. */
@Injectable()
export class KeyGuard implements CanActivate {
  private readonly rate: SharedLimit;
  private readonly adminHash: string;

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(API_OPTIONS) options: ApiOptions,
    @Inject(AuditLog) private readonly audit: AuditLog,
  ) {
    this.adminHash = hashKey(options.adminKey);
    this.rate = new SharedLimit(database, { name: 'api', ...options.rate });
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const spec = endpointOf(context.getHandler());
    if (!spec) throw new Error('the guard stands before something that is no endpoint');
    const request = context.switchToHttp().getRequest<CallingRequest>();
    const caller = await this.caller(request.headers.authorization);
    await this.limit(caller);
    request.caller = caller;
    const refusal = refusalFor(caller, spec.scope);
    if (!refusal) return true;
    await this.audit.note(auditEntry(spec, request, { status: refusal.status }));
    throw refusal;
  }

  private async caller(authorization: string | undefined): Promise<Caller> {
    const secret = /^Bearer +(\S{1,512}) *$/i.exec(authorization ?? '')?.[1];
    if (!secret) throw new Refusal('unauthenticated', 'send the header Authorization: Bearer <key>');
    if (timingSafeEqual(Buffer.from(hashKey(secret)), Buffer.from(this.adminHash))) {
      return { id: 'admin', scopes: ['admin'], accounts: null };
    }
    const key = await findApiKey(this.database, secret);
    if (!key) throw new Refusal('unauthenticated', 'the key is unknown, revoked or expired');
    return { id: key.id, scopes: key.scopes as Scope[], accounts: key.accounts };
  }

  private async limit(caller: Caller): Promise<void> {
    const waitMs = await this.rate.take(caller.id);
    if (waitMs === 0) return;
    const retryAfterS = Math.ceil(waitMs / 1_000);
    throw new Refusal('rate-limited', `this key has used its rate; try again in ${retryAfterS} s`, { retryAfterS });
  }
}

/** Why the key may not make this call, if so. */
function refusalFor(caller: Caller, scope: Scope): Refusal | undefined {
  if (!hasScope(caller, scope)) return new Refusal('forbidden', `the key lacks the scope ${scope}`);
  if (!caller.accounts || LIMITABLE.has(scope)) return undefined;
  return new Refusal('forbidden', `a key that is limited to accounts cannot use ${scope}`);
}
