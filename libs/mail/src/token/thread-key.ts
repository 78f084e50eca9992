import { createHash } from 'node:crypto';
import { emailAddress } from '#normalizer';
import { base32, readBase32Number } from './base32.js';

export const KEY_CHARACTERS = 20;
/** The last bit of the first character says whether the person was proven. */
const PROOF_BIT = 0b1000;
const OWN_ROOT = new RegExp(`^r\\.[a-z2-7]{${KEY_CHARACTERS}}(?=\\.[a-z2-7]{4}\\.[a-z2-7]{16}@)`);

/** What makes a thread of mail. */
export interface ThreadRoot {
  /** The first id of References, else that of In-Reply-To, else the mail's own: with or without its brackets. */
  readonly root: string;
  /** Who wrote. */
  readonly address: string;
  /** The address is only claimed: nothing proves that the mail is from there. */
  readonly claimed: boolean;
}

/**
 * The name of a thread: 100 bits of a hash over all three, in base32. Two people who write under one root never share a thread, nor do
 * mails of one address with and without proof: who only knows an id of somebody's mail gets a thread of their own.
 */
export function threadKey({ root, address, claimed }: ThreadRoot): string {
  const said = JSON.stringify(['thread', rootOf(root), comparable(address), claimed]);
  const digest = createHash('sha256').update(said).digest();
  digest[0] = (digest[0]! & ~PROOF_BIT) | (claimed ? 0 : PROOF_BIT);
  return base32(digest, KEY_CHARACTERS);
}

/** Of a root that we made up only the thread counts that it names: the rest of it differs from day to day. */
function rootOf(id: string): string {
  const root = bareId(id);
  return OWN_ROOT.exec(root)?.[0] ?? root;
}

/** Was the thread of a key that of somebody proven? Null where the key is an address: a thread that we began. */
export function isProvenKey(key: string): boolean | null {
  if (key.length !== KEY_CHARACTERS || !/^[a-z2-7]+$/.test(key)) return null;
  return (readBase32Number(key[0]!) & 1) === 1;
}

/** A Message-ID by which ids are compared: without brackets and white space, its case kept (RFC 5322 section 3.6.4). */
export function bareId(id: string): string {
  return id.replace(/[\s<>]/g, '');
}

/** An address by which addresses are compared. */
export function comparable(address: string): string {
  return emailAddress(address) ?? address.trim().toLowerCase();
}
