import { createHash } from 'node:crypto';
import { emailAddress, ProviderFailure, type OutboundUnit } from '#normalizer';
import type { EmailConfig } from '../email.config.js';
import { dayOf, makeToken, replySecretOf } from '../token/index.js';
import { base32 } from '../token/base32.js';

/** Longest local part of an address (RFC 5321 section 4.5.3.1.1), and an id that no line can hold. */
const LOCAL_PART = 64;
const LONGEST_ID = 900;
const UNIQUE_CHARACTERS = 13;

/** Who a mail is, to whom it goes and what it answers. Ids are without brackets. */
export interface Identity {
  readonly to: string;
  readonly messageId: string;
  readonly references: readonly string[];
  readonly inReplyTo?: string;
  /** Where answers go, where that is not the mailbox's own address. */
  readonly replyTo?: string;
}

export interface IdentityContext {
  readonly accountId: string;
  readonly config: EmailConfig;
  readonly now: () => number;
}

/**
 * The ids of a unit's mail, the same on every attempt. Its Message-ID holds the reply token; References begin with an id that no mail
 * has and that holds the token too, for programs that keep the first and the last ids only (RFC 5322 section 3.6.4). Throws
 * `recipient-gone` where the thread has no address.
 */
export function identify(unit: OutboundUnit, { accountId, config, now }: IdentityContext): Identity {
  const to = recipientOf(unit);
  const [local, domain] = split(config.address);
  const token = makeToken({
    ...{ secret: replySecretOf(config), accountId, address: to },
    ...{ threadKey: unit.thread.externalId, day: dayOf(madeAt(unit.idempotencyKey) ?? now()) },
  });
  const unique = createHash('sha256').update(`${accountId} ${unit.idempotencyKey}`).digest();
  const answered = unit.replyTo !== undefined && isId(unit.replyTo) ? unit.replyTo : undefined;
  const plus = `${local}+${token}`;
  return {
    to,
    messageId: `t.${token}.${base32(unique, UNIQUE_CHARACTERS)}@${domain}`,
    references: [`r.${token}@${domain}`, ...(answered === undefined ? [] : [answered])],
    ...(answered !== undefined && { inReplyTo: answered }),
    ...(config.replyAddress === 'plus' && plus.length <= LOCAL_PART && { replyTo: `${plus}@${domain}` }),
  };
}

/** The address that a unit goes to: the thread's name where it is one, else that of the person. Throws `recipient-gone`. */
export function recipientOf({ thread }: Pick<OutboundUnit, 'thread'>): string {
  const named = thread.handles.find(({ scheme }) => scheme === 'email')?.value;
  const address = emailAddress(thread.externalId) ?? (named === undefined ? null : emailAddress(named));
  if (address !== null) return address;
  throw new ProviderFailure('recipient-gone', 'the conversation names no mail address that can be written to');
}

/** Local part and domain of an address. */
export function split(address: string): [local: string, domain: string] {
  const at = address.lastIndexOf('@');
  return [address.slice(0, at), address.slice(at + 1)];
}

/** When the unit was made, milliseconds since the epoch: ids are UUIDv7. */
function madeAt(id: string): number | undefined {
  const [, time] = /^[a-z]{3}_([0-9a-f]{12})[0-9a-f]{20}$/.exec(id) ?? [];
  return time === undefined ? undefined : Number.parseInt(time, 16);
}

/** Can it stand in a header as it is? Mail without an id of its own has one from us that says nothing to others. */
function isId(text: string): boolean {
  return text.length <= LONGEST_ID && /^[!-;=?-~]+@[!-;=?-~]+$/.test(text);
}
