import { ProviderFailure } from '#normalizer';
import type { MailContext } from '../context.js';
import { isInSent, saveInSent } from '../imap/sent-folder.js';
import { withLogin } from '../login/login.js';
import { compose, isAscii, type OutgoingMail } from './compose.js';
import { SmtpSession, type SendingStopped } from './connection.js';
import { smtpFailure } from './failures.js';

/**
 * Sends one mail over a connection of its own: `make` says it, of at most `maxBytes` as it travels; it is asked again for the copy in the Sent
 * folder. Resolves with its Message-ID, and the one that the server gave it instead where it says so. Where the connection ends after the whole
 * mail was handed over, the Sent folder is looked into. Throws `ProviderFailure`.
 */
export async function sendMail(make: (maxBytes: number) => OutgoingMail, ctx: MailContext): Promise<string[]> {
  const { config } = ctx;
  const session = await withLogin('smtp', ctx, (login) => SmtpSession.open(ctx, login));
  try {
    const most = Math.min(config.smtp.maxBytes, session.offers.maxBytes ?? Infinity);
    const mail = make(most);
    if (!isAscii(mail.identity.to + config.address) && !session.offers.international)
      throw new ProviderFailure('content-refused', 'the mail server takes no address with other letters (SMTPUTF8)');
    const ids = await handOver(mail, session, ctx);
    if (config.saveSent) await saveInSent(compose(make(most), ctx).source, ctx);
    return ids;
  } finally {
    session.close();
  }
}

async function handOver(mail: OutgoingMail, session: SmtpSession, ctx: MailContext): Promise<string[]> {
  const { messageId } = mail.identity;
  const { envelope, source } = compose(mail, ctx);
  try {
    const { serverMessageId } = await session.send(envelope, source);
    const given = serverMessageId?.replace(/^<|>$/g, '');
    return given && given !== messageId ? [messageId, given] : [messageId];
  } catch (error) {
    const { cause, handedOver } = error as SendingStopped;
    const failure = smtpFailure(cause, { config: ctx.config, handedOver });
    const unknown = failure.code === 'outcome-unknown' || failure.code === 'reply-unreadable';
    if (unknown && (await isInSent(messageId, ctx))) return [messageId];
    throw failure;
  }
}
