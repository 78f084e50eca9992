import type { Mailbox } from '../settings.js';
import type { ResolveTxt } from './dkim/resolve.js';
import type { ReadingPool } from './pool.js';

/** What reading a mail needs to know beside the mail. */
export interface ReadContext {
  readonly config: Mailbox;
  /** Names where the mail is, for whoever opens its files later: opaque here, part of their refs. */
  readonly location: string;
  /** When the server took it, milliseconds since the epoch. */
  readonly receivedAt: number;
  /** Now, milliseconds since the epoch. */
  readonly now: number;
  /** Texts of a name in DNS, where signatures are verified here. Default: those of the system. */
  readonly resolveTxt?: ResolveTxt;
  /** Threads to read in. Default: those of the process. */
  readonly pool?: ReadingPool;
}
