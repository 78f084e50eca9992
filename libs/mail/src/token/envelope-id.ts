import { createHmac, timingSafeEqual } from 'node:crypto';
import { base32 } from './base32.js';

/** 80 bits. */
const MAC_CHARACTERS = 16;
const FORM = /^((?:[a-z2-7]{20}|-)\.[a-z2-7]{4}\.[a-z2-7]{16}\.[a-z2-7]{1,26})\.([a-z2-7]{16})$/;

/** Whose envelope it is. */
export interface EnvelopeOwner {
  readonly secret: string;
  /** The account or destination. */
  readonly owner: string;
  /** Of the mailbox. */
  readonly domain: string;
}

/**
 * The id of the envelope of a mail of ours (RFC 3461 section 4.4: at most 100 characters): what its Message-ID says, and an HMAC of 80 bits. It stands in no
 * mail: the servers on its way are told, so that a report which names it is one of theirs, whoever else has the mail.
 */
export function envelopeId(messageId: string, owner: EnvelopeOwner): string {
  const named = messageId.slice('t.'.length, messageId.lastIndexOf('@'));
  return `${named}.${macOf(named, owner)}`;
}

/** The Message-ID of the mail whose envelope has this id; null where it is none of ours. */
export function readEnvelopeId(text: string, owner: EnvelopeOwner): string | null {
  const [, named = '', mac = ''] = FORM.exec(text.trim().toLowerCase()) ?? [];
  if (named === '' || !timingSafeEqual(Buffer.from(mac), Buffer.from(macOf(named, owner)))) return null;
  return `t.${named}@${owner.domain}`;
}

function macOf(named: string, { secret, owner, domain }: EnvelopeOwner): string {
  const said = JSON.stringify(['envelope', named, owner, domain]);
  return base32(createHmac('sha256', secret).update(said).digest(), MAC_CHARACTERS);
}
