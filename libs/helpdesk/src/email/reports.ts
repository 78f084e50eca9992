import { failureOf, isOurId, octetsIn, readEnvelopeId, replySecretOf, type IncomingMail, type Report } from '#mail';
import type { HelpdeskAction } from '../core/connector.js';
import { isOfServer } from './belief.js';
import { keepThread, recallThread, ticketsIn, type Context } from './thread.js';

/**
 * What a report tells: that a mail of ours did not arrive; null where it tells nothing of that, and may be an answer that quotes our mail. It names the id of the
 * envelope, which servers alone were told, or else the id of the mail, and comes without a sender of its own (RFC 3464 section 2), as far as our server writes that.
 */
export async function cameBack(mail: IncomingMail, ctx: Context): Promise<HelpdeskAction | null> {
  const { report, bounce, digest, returnPath } = mail;
  const messageId = report && reportedId(report, { returnPath, ctx });
  const [ticketId] = messageId ? ticketsIn([messageId], ctx) : [];
  const event = messageId ? octetsIn(messageId, 16) : null;
  if (!report || ticketId === undefined || event === null) return null;
  const failed = report.recipients.find(({ action }) => action === 'failed');
  const returned = report.kind === 'unstructured' && bounce === 'returned' && isOfServer(mail);
  if (!failed && !returned) return null;
  const { code, message } = failed ? failureOf(failed.status, failed.diagnostic) : failureOf('', report.said);
  const eventId = `evt_${event.toString('hex')}`;
  const kept = await recallThread(ticketId, ctx);
  if (kept) await keepThread(ticketId, { ...kept, returned: [...new Set([...(kept.returned ?? []), eventId])] }, ctx);
  return { kind: 'undelivered', dedupeKey: `returned:${digest}`, ticketId, eventId, failure: { code, message } };
}

function reportedId(
  report: Report,
  { returnPath, ctx }: { returnPath: string | undefined; ctx: Context },
): string | null {
  const { address } = ctx.config.mailbox;
  const domain = address.slice(address.lastIndexOf('@') + 1);
  const owner = { secret: replySecretOf(ctx.config.mailbox), owner: ctx.destinationId, domain };
  const named = returnPath ? undefined : report.ids.find((id) => isOurId(id, domain));
  return readEnvelopeId(report.envelopeId, owner) ?? named ?? null;
}
