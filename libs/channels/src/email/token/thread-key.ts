import { createHash } from 'node:crypto';
import { emailAddress } from '#normalizer';
import { base32 } from './base32.js';

export const KEY_CHARACTERS = 20;
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
  return base32(createHash('sha256').update(said).digest(), KEY_CHARACTERS);
}

/** Of a root that we made up only the thread counts that it names: the rest of it differs from day to day. */
function rootOf(id: string): string {
  const root = bareId(id);
  return OWN_ROOT.exec(root)?.[0] ?? root;
}

/** A Message-ID by which ids are compared: without brackets and white space, its case kept (RFC 5322 section 3.6.4). */
export function bareId(id: string): string {
  return id.replace(/[\s<>]/g, '');
}

/** An address by which addresses are compared. */
export function comparable(address: string): string {
  return emailAddress(address) ?? address.trim().toLowerCase();
}
