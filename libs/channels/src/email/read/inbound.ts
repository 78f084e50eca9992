import { createHash } from 'node:crypto';
import type { InboundEventInput } from '#normalizer';
import { readMail, type IncomingMail } from '#mail';
import type { AccountContext } from './context.js';
import { threadOf, type Placed } from './place.js';
import { eventsOfReport, readElsewhere } from './receipts.js';

/** What a mail is to us. `placed` of a message says what its thread goes by (`place`). */
export interface Inbound {
  readonly event: InboundEventInput;
  readonly placed?: Placed;
}

/** Most ids before a mail that are looked up. */
const MOST_BEFORE = 50;

/**
 * What a mail is to us: a message; a receipt or a complaint about mail of ours; or nothing, where it is a copy of our own. Never throws for
 * what a mail holds.
 */
export async function readInbound(source: Uint8Array, context: AccountContext): Promise<Inbound[]> {
  const mail = await readMail(source, context);
  if (mail === null) return [];
  const { author, id, answers, subject, parts, quoted } = mail;
  const base = { dedupeKey: `mail:${(id ?? '').slice(0, 300)}:${mail.digest}`, occurredAt: mail.sentAt };
  const about = await eventsOfReport(mail, base, context);
  if (about) return about.map((event) => ({ event }));

  const doubt = await mail.doubt();
  const claimed = doubt !== undefined;
  const address = author.address ?? `unknown:${author.raw}`;
  const { thread, certain } = threadOf(mail, { address, claimed }, context);
  const copy = copyId(base.dedupeKey);
  const event: InboundEventInput = {
    ...{ kind: 'message', ...base, parts, thread },
    sender: { handles: [handleOf(mail, claimed, context)], ...(author.name && { name: author.name }) },
    ...(subject !== '' && { subject }),
    externalIds: id === undefined ? [copy] : [id, copy],
    ...(answers !== undefined && { replyTo: answers }),
    ...(quoted !== '' && { quoted }),
    ...((mail.automation !== null || mail.fromUs) && { automated: true }),
    ...(claimed && { metadata: { unverifiedSender: doubt } }),
  };
  const before = certain ? [] : nearestFirst(mail);
  const told = readElsewhere(mail, base, context);
  return [{ event, placed: { address: author.address, claimed, copy, before, ...(told && { told }) } }];
}

/**
 * A name of this very mail, wherever it lies and however old it is: a message that has it is known for as long as it is stored, which is longer than repeats
 * of events are. Nobody can give a mail that name: no id has a blank in it.
 */
function copyId(dedupeKey: string): string {
  return `copy ${createHash('sha256').update(dedupeKey).digest('base64url').slice(0, 22)}`;
}

/** The ids that a mail names as those before it: the one that it answers, then the newest first. */
function nearestFirst({ answers, references }: IncomingMail): string[] {
  const ids = [...(answers === undefined ? [] : [answers]), ...references.toReversed()];
  return [...new Set(ids)].filter((id) => id.length <= 500).slice(0, MOST_BEFORE);
}

/** Who gives no address is nobody else who gives none. */
function handleOf({ author, digest }: IncomingMail, claimed: boolean, { accountId }: AccountContext) {
  const { address, said } = author;
  if (address !== null)
    return { scheme: 'email', value: address, proof: claimed ? ('claimed' as const) : ('channel' as const) };
  const value = `${said.slice(0, 250) || 'nobody'} (${digest})`;
  return { scheme: 'mail-sender', scope: accountId, value, proof: 'claimed' as const };
}
