import { ProviderFailure, type OutboundUnit } from '#normalizer';
import type { AdapterContext, SendReceipt } from '../../core/adapter.js';
import type { EmailConfig } from '../email.config.js';
import { withLogin } from '../login/login.js';
import { compose, isAscii, type Mail } from './compose.js';
import { SmtpSession, type SendingStopped } from './connection.js';
import { smtpFailure } from './failures.js';
import { recipientOf } from './identity.js';
import { isInSent, saveInSent } from './sent-folder.js';

type Context = AdapterContext<EmailConfig>;

/**
 * Sends one mail over a connection of its own. The external ids are its Message-ID, the same on every attempt of the unit, and the one
 * that the server gave it instead where it says so. Where the connection ends after the whole mail was handed over, the Sent folder is
 * looked into. Throws `ProviderFailure`.
 */
export async function sendMail(unit: OutboundUnit, ctx: Context): Promise<SendReceipt> {
  const to = recipientOf(unit);
  const session = await withLogin('smtp', ctx, (login) => SmtpSession.open(ctx, login));
  try {
    if (!isAscii(to + ctx.config.address) && !session.offers.international)
      throw new ProviderFailure('content-refused', 'the mail server takes no address with other letters (SMTPUTF8)');
    const most = Math.min(ctx.config.smtp.maxBytes, session.offers.maxBytes ?? Infinity);
    const externalIds = await handOver(compose(unit, ctx, most), session, ctx);
    if (ctx.config.saveSent) await saveInSent(compose(unit, ctx, most).source, ctx);
    return { externalIds, status: 'sent' };
  } finally {
    session.close();
  }
}

async function handOver({ identity, envelope, source }: Mail, session: SmtpSession, ctx: Context): Promise<string[]> {
  const { messageId } = identity;
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
