import type { Handle } from '#normalizer';
import { guardedHttp } from '#transport';
import type { CrmContext } from '../crm-directory.js';

const http = guardedHttp({ allow: ['127.0.0.1/32'] });

export const closeHttp = (): Promise<void> => http.close();

/** A context with real HTTP; shared values live as long as it does. */
export function crmContext<C>(config: C): CrmContext<C> {
  const shared = new Map<string, Promise<string>>();
  return {
    config,
    http,
    once(key, _ttlMs, make) {
      const value = shared.get(key) ?? make();
      shared.set(key, value);
      return value.catch((error: unknown) => {
        shared.delete(key);
        throw error;
      });
    },
    forget(key) {
      shared.delete(key);
      return Promise.resolve();
    },
    now: Date.now,
    signal: AbortSignal.timeout(5_000),
  };
}

export const email = (value: string): Handle => ({ scheme: 'email', scope: '', value, proof: 'verified' });
export const phone = (value: string): Handle => ({ scheme: 'phone', scope: '', value, proof: 'channel' });
export const client = (value: string): Handle => ({ scheme: 'client', scope: 'shop', value, proof: 'verified' });
