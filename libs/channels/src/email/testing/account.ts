import { emailConfig, type EmailConfig } from '../email.config.js';
import type { ReadContext } from '../read/index.js';

/** What reading needs to know of an account, for specs and measurements: nothing is looked up in DNS. */
export function emailAccount(more: Partial<ReadContext> = {}, config: Partial<EmailConfig> = {}): ReadContext {
  const now = Date.parse('2026-11-22T12:00:00Z');
  const settings = emailConfig.parse({
    ...{ address: 'support@shop.example', password: 'of the mailbox', aliases: ['help@shop.example'] },
    ...{ imap: { host: 'imap.shop.example' }, smtp: { host: 'smtp.shop.example' } },
    authentication: { servers: ['mx.shop.example'] },
  });
  return {
    ...{ accountId: 'acc_mail', config: { ...settings, ...config }, location: 'INBOX/1/7', receivedAt: now, now },
    resolveTxt: () => Promise.resolve([]),
    ...more,
  };
}
