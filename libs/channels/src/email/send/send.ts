import type { OutboundUnit } from '#normalizer';
import { sendMail } from '#mail';
import type { AdapterContext, SendReceipt } from '../../core/adapter.js';
import type { EmailConfig } from '../email.config.js';
import { letterOf, recipientOf } from './letter.js';

/** Sends the mail of a unit. The external ids are its Message-ID, the same on every attempt, and another one where the server says it. */
export async function sendUnit(unit: OutboundUnit, ctx: AdapterContext<EmailConfig>): Promise<SendReceipt> {
  recipientOf(unit);
  const externalIds = await sendMail((maxBytes) => letterOf(unit, ctx, maxBytes), ctx);
  return { externalIds, status: 'sent' };
}
