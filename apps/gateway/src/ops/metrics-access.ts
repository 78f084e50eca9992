import { isIP } from 'node:net';
import type { Settings } from '#config';
import { findApiKey, hashKey } from '#conversations';
import type { Database } from '#database';
import { constantTimeEqual } from '#transport';
import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Refusal } from '../api/core/problem.js';
import { API_OPTIONS, type ApiOptions } from '../api/options.js';
import { DATABASE, SETTINGS } from '../tokens.js';

/** Who may read the metrics: this machine, keys with the scope `metrics:read`, and everybody where `metrics.public` says so. */
@Injectable()
export class MetricsAccess {
  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(DATABASE) private readonly database: Database,
    @Inject(API_OPTIONS) private readonly api: ApiOptions,
  ) {}

  /** Throws `Refusal` (`unauthenticated`, `forbidden`). */
  async demand(request: FastifyRequest): Promise<void> {
    if (this.settings.metrics.public || isLocal(request)) return;
    const secret = /^Bearer +(\S{1,512}) *$/i.exec(request.headers.authorization ?? '')?.[1];
    if (secret && constantTimeEqual(hashKey(secret), hashKey(this.api.adminKey))) return;
    const key = secret ? await findApiKey(this.database, secret) : null;
    if (!key)
      throw new Refusal('unauthenticated', 'from another machine, /metrics takes a key with the scope metrics:read');
    if (!key.scopes.some((scope) => scope === 'admin' || scope === 'metrics:read'))
      throw new Refusal('forbidden', 'the key lacks the scope metrics:read');
  }
}

/** Comes the request from this very machine, and not through a proxy on it? */
function isLocal({ raw, headers }: FastifyRequest): boolean {
  if (headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined) return false;
  const address = (raw.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}
