import { checkMailbox, openMailFile } from '#mail';
import type { ChannelAdapter } from '../core/adapter.js';
import { emailConfig, type EmailConfig } from './email.config.js';
import { MailSession } from './receive/session.js';
import { capabilities, capabilitiesOf, sendUnit } from './send/index.js';

/** E-mail: any mailbox that is read by IMAP and sends by SMTP. */
export const email: ChannelAdapter<EmailConfig, MailSession> = {
  type: 'email',
  title: 'E-mail (IMAP, SMTP)',
  config: emailConfig,
  continuity: 'thread',
  capabilities,
  capabilitiesOf,
  ingress: {
    socket: { sends: false, open: (emit, ctx) => MailSession.open(emit, ctx), close: (session) => session.close() },
  },
  send: sendUnit,
  check: checkMailbox,
  fetchMedia: openMailFile,
};
