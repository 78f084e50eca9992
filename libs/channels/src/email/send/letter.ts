import { emailAddress, ProviderFailure, type OutboundUnit } from '#normalizer';
import { contentOf, identify, type Identity, type OutgoingMail } from '#mail';
import type { AdapterContext } from '../../core/adapter.js';
import type { EmailConfig } from '../email.config.js';
import { subjectOf } from './subject.js';

type Context = Pick<AdapterContext<EmailConfig>, 'accountId' | 'config' | 'openFile' | 'fileUrl' | 'now'>;

/** The mail of a unit, of at most `maxBytes` as it travels. Throws `recipient-gone` where the thread has no address. */
export function letterOf(unit: OutboundUnit, ctx: Context, maxBytes: number): OutgoingMail {
  const { config } = ctx;
  const automatic = unit.replyTo === undefined ? 'auto-generated' : 'auto-replied';
  return {
    identity: identityOf(unit, ctx),
    subject: subjectOf(unit, config.name ?? config.address),
    content: contentOf(unit.parts, ctx, maxBytes),
    ...((unit.notice === true || unit.author?.kind === 'bot') && { automatic }),
  };
}

/** The ids of a unit's mail, the same on every attempt. Throws as `recipientOf`. */
export function identityOf(unit: OutboundUnit, ctx: Pick<Context, 'accountId' | 'config' | 'now'>): Identity {
  const { thread, idempotencyKey: unique, replyTo: answers } = unit;
  const madeAt = timeIn(unique) ?? ctx.now();
  const to = recipientOf(unit);
  return identify({ owner: ctx.accountId, to, threadKey: thread.externalId, unique, madeAt, answers }, ctx.config);
}

/** The address that a unit goes to: the thread's name where it is one, else that of the person. Throws `recipient-gone`. */
export function recipientOf({ thread }: Pick<OutboundUnit, 'thread'>): string {
  const named = thread.handles.find(({ scheme }) => scheme === 'email')?.value;
  const address = emailAddress(thread.externalId) ?? (named === undefined ? null : emailAddress(named));
  if (address !== null) return address;
  throw new ProviderFailure('recipient-gone', 'the conversation names no mail address that can be written to');
}

/** When the unit was made, milliseconds since the epoch: ids are UUIDv7. */
function timeIn(id: string): number | undefined {
  const [, time] = /^[a-z]{3}_([0-9a-f]{12})[0-9a-f]{20}$/.exec(id) ?? [];
  return time === undefined ? undefined : Number.parseInt(time, 16);
}
