import type { Dial, Http } from '#transport';
import type { Mailbox } from './settings.js';

/** What using a mailbox needs of its surroundings: what the context of an adapter offers. */
export interface MailContext {
  readonly config: Mailbox;
  readonly http: Http;
  readonly dial: Dial;
  /** A shared secret of short life (an access token): made once across processes, kept `ttlMs`. */
  once(key: string, ttlMs: number, make: () => Promise<string>): Promise<string>;
  forget(key: string): Promise<void>;
  /** Keeps a secret of the mailbox for `ttlMs`, in the place of whatever stood there. */
  remember(key: string, value: string, ttlMs: number): Promise<void>;
  recall(key: string): Promise<string | undefined>;
  readonly now: () => number;
  readonly signal: AbortSignal;
}
