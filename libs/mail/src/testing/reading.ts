import type { ReadContext } from '../read/index.js';
import type { Mailbox } from '../settings.js';
import { mailbox, now } from './outbox.js';

/** What reading needs to know of a mailbox, for specs and measurements: nothing is looked up in DNS. */
export function readingContext(more: Partial<ReadContext> = {}, config: Partial<Mailbox> = {}): ReadContext {
  const settings = mailbox({
    ...{ address: 'support@shop.example', password: 'of the mailbox', aliases: ['help@shop.example'] },
    ...{ imap: { host: 'imap.shop.example' }, smtp: { host: 'smtp.shop.example' } },
    authentication: { servers: ['mx.shop.example'] },
  });
  return {
    ...{ config: { ...settings, ...config }, location: 'INBOX/1/7', receivedAt: now, now },
    resolveTxt: () => Promise.resolve([]),
    ...more,
  };
}
