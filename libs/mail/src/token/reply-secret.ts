import { createHmac } from 'node:crypto';
import type { Mailbox } from '../settings.js';

/** The settings that make the key. */
export type SecretSettings = Pick<Mailbox, 'replySecret' | 'password' | 'oauth' | 'imap'>;

/**
 * The key of the mailbox's reply tokens: the setting, else one derived from the mailbox's own credential, so that tokens are void once
 * that is changed.
 */
export function replySecretOf({ replySecret, password, oauth, imap }: SecretSettings): string {
  if (replySecret !== undefined) return replySecret;
  const credential = password ?? oauth?.clientSecret ?? oauth?.privateKey ?? oauth?.refreshToken ?? imap.password ?? '';
  return createHmac('sha256', credential).update('reply tokens').digest('hex');
}
