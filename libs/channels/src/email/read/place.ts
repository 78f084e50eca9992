import { isProvenKey, readToken, replySecretOf, threadKey, type IncomingMail } from '#mail';
import type { AccountContext } from './context.js';

/** Whose mail is to be placed. */
export interface Placed {
  readonly address: string;
  readonly claimed: boolean;
}

/**
 * The thread a mail belongs to: by a token of ours that was made for this very sender and, as its thread, with or without proof; else by the
 * first mail that its References know of. What somebody else forwards, guesses or repeats after its time begins a thread of their own.
 */
export function threadOf(mail: IncomingMail, { address, claimed }: Placed, context: AccountContext): string {
  const { accountId, config, now } = context;
  const reader = { secret: replySecretOf(config), accountId, address, now, maxAgeDays: config.replyDays };
  const key = readToken(mail.returned, reader);
  // A thread that we began is that of whoever has the address: it would become another's by mail that only claims it.
  if (key !== null && (isProvenKey(key) ?? true) !== claimed) return key;
  const { references, id, digest } = mail;
  return threadKey({ root: references[0] ?? id ?? digest, address, claimed });
}
