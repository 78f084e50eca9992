import type { InboundEventInput } from '#normalizer';
import { readMail, type IncomingMail } from '#mail';
import type { AccountContext } from './context.js';
import { threadOf } from './place.js';
import { eventsOfReport } from './receipts.js';

/**
 * What a mail is to us: a message; a receipt or a complaint about mail of ours; or nothing, where it is our own come back. Never throws for
 * what a mail holds.
 */
export async function readInbound(source: Uint8Array, context: AccountContext): Promise<InboundEventInput[]> {
  const mail = await readMail(source, context);
  if (mail === null) return [];
  const { author, id, answers, subject, parts, quoted, report, bounce } = mail;
  const base = { dedupeKey: `mail:${(id ?? '').slice(0, 300)}:${mail.digest}`, occurredAt: mail.sentAt };
  const about = report && eventsOfReport(report, { base, bounce }, context);
  if (about) return about;

  const doubt = await mail.doubt();
  const claimed = doubt !== undefined;
  const address = author.address ?? `unknown:${author.raw}`;
  return [
    {
      ...{ kind: 'message', ...base, parts },
      thread: threadOf(mail, { address, claimed }, context),
      sender: { handles: [handleOf(mail, claimed, context)], ...(author.name && { name: author.name }) },
      ...(subject !== '' && { subject }),
      externalIds: id === undefined ? [] : [id],
      ...(answers !== undefined && { replyTo: answers }),
      ...(quoted !== '' && { quoted }),
      ...((mail.automation !== null || mail.fromUs) && { automated: true }),
      ...(claimed && { metadata: { unverifiedSender: doubt } }),
    },
  ];
}

/** Who gives no address is nobody else who gives none. */
function handleOf({ author, digest }: IncomingMail, claimed: boolean, { accountId }: AccountContext) {
  const { address, said } = author;
  if (address !== null)
    return { scheme: 'email', value: address, proof: claimed ? ('claimed' as const) : ('channel' as const) };
  const value = `${said.slice(0, 250) || 'nobody'} (${digest})`;
  return { scheme: 'mail-sender', scope: accountId, value, proof: 'claimed' as const };
}
