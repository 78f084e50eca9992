import type { Dial, Http, OwnValues } from '#transport';
import type { Mailbox } from './settings.js';

/** What using a mailbox needs of its surroundings: what the context of an adapter offers. */
export interface MailContext extends OwnValues {
  readonly config: Mailbox;
  readonly http: Http;
  readonly dial: Dial;
  readonly now: () => number;
  readonly signal: AbortSignal;
}
