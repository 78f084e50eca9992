import { createHash } from 'node:crypto';
import type { Mailbox } from '../settings.js';
import { dayOf, envelopeId, makeToken, replySecretOf } from '../token/index.js';
import { base32, fromBase32 } from '../token/base32.js';

/** Longest local part of an address (RFC 5321 section 4.5.3.1.1), and an id that no line can hold. */
const LOCAL_PART = 64;
const LONGEST_ID = 900;
const UNIQUE_CHARACTERS = 13;

/** Who a mail is, to whom it goes and what it answers. Ids are without brackets. */
export interface Identity {
  readonly to: string;
  readonly messageId: string;
  /** By which the servers on its way name it in their reports. */
  readonly envelopeId: string;
  readonly references: readonly string[];
  readonly inReplyTo?: string;
  /** Where answers go, where that is not the mailbox's own address. */
  readonly replyTo?: string;
}

/** What the identity of a mail is made of: the same of these, the same identity. */
export interface Correspondence {
  /** Whose mailbox it is: the account or destination. Its tokens are no other's. */
  readonly owner: string;
  readonly to: string;
  /** Whose answers the token is good for, where those are not of `to`: any name that stays the same. */
  readonly goodFor?: string;
  /** The thread's name (`threadKey`), or the address itself where the thread is that of whoever has it. */
  readonly threadKey: string;
  /** Names this mail among all of the owner's. Octets (16 at most) stand in its id as they are: `octetsIn` reads them again. */
  readonly unique: string | Uint8Array;
  /** When it was made, milliseconds since the epoch: its token ages from then on. */
  readonly madeAt: number;
  /** The id of the mail that it answers. */
  readonly answers?: string | undefined;
}

/**
 * The ids of a mail. Its Message-ID holds the reply token; References begin with an id that no mail has and that holds the token too, for
 * programs that keep the first and the last ids only (RFC 5322 section 3.6.4).
 */
export function identify(about: Correspondence, config: Mailbox): Identity {
  const { owner, to, goodFor = to, threadKey, unique, madeAt, answers } = about;
  const [local, domain] = split(config.address);
  const secret = replySecretOf(config);
  const token = makeToken({
    ...{ secret, accountId: owner, address: goodFor },
    ...{ threadKey, day: dayOf(madeAt) },
  });
  const answered = answers !== undefined && isId(answers) ? answers : undefined;
  const plus = `${local}+${token}`;
  const messageId = `t.${token}.${markOf(unique, owner)}@${domain}`;
  return {
    ...{ to, messageId, envelopeId: envelopeId(messageId, { secret, owner, domain }) },
    references: [`r.${token}@${domain}`, ...(answered === undefined ? [] : [answered])],
    ...(answered !== undefined && { inReplyTo: answered }),
    ...(config.replyAddress === 'plus' && plus.length <= LOCAL_PART && { replyTo: `${plus}@${domain}` }),
  };
}

function markOf(unique: string | Uint8Array, owner: string): string {
  if (typeof unique === 'string')
    return base32(createHash('sha256').update(`${owner} ${unique}`).digest(), UNIQUE_CHARACTERS);
  return base32(Buffer.concat([unique, Buffer.alloc(1)]), Math.ceil((unique.length * 8) / 5));
}

/** The `bytes` octets that made an id of ours unique; null where that was something else. */
export function octetsIn(messageId: string, bytes: number): Buffer | null {
  const mark = /^t\.[^.]+\.[^.]+\.[^.]+\.([a-z2-7]+)@/.exec(messageId)?.[1] ?? '';
  return mark.length === Math.ceil((bytes * 8) / 5) ? fromBase32(mark).subarray(0, bytes) : null;
}

/** Local part and domain of an address. */
export function split(address: string): [local: string, domain: string] {
  const at = address.lastIndexOf('@');
  return [address.slice(0, at), address.slice(at + 1)];
}

/** Can it stand in a header as it is? Mail without an id of its own has one from us that says nothing to others. */
function isId(text: string): boolean {
  return text.length <= LONGEST_ID && /^[!-;=?-~]+@[!-;=?-~]+$/.test(text);
}
