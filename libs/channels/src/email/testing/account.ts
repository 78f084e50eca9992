import { readingContext } from '#mail/testing';
import { emailConfig, type EmailConfig } from '../email.config.js';
import type { AccountContext } from '../read/context.js';

/** What reading needs to know of an account, for specs and measurements: nothing is looked up in DNS. */
export function emailAccount(more: Partial<AccountContext> = {}, config: Partial<EmailConfig> = {}): AccountContext {
  const { rate } = emailConfig.shape;
  const context = readingContext();
  const settings = { ...context.config, rate: rate.parse(undefined), ...config };
  return { ...context, accountId: 'acc_mail', config: settings, ...more };
}
