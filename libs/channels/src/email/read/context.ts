import type { ReadContext } from '#mail';
import type { EmailConfig } from '../email.config.js';

/** What reading a mail of an account needs to know beside the mail. */
export interface AccountContext extends ReadContext {
  readonly accountId: string;
  readonly config: EmailConfig;
}
