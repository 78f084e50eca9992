import { isProvenKey, readToken, replySecretOf, threadKey } from '../token/index.js';
import type { ReadContext } from './context.js';
import { idsOf, valueOf, valuesOf, type Headers } from './headers.js';

/** Headers in which a reply token of ours may come back, in the order in which they are looked at. */
const TOKENS = ['in-reply-to', 'references', 'to', 'cc', 'delivered-to', 'x-original-to', 'envelope-to'];

/** Whose mail is to be placed. */
export interface Placed {
  readonly address: string;
  readonly claimed: boolean;
  /** A name for mail that has no id of its own. */
  readonly fallbackId: string;
}

/**
 * The thread a mail belongs to: by a token of ours that was made for this very sender and, as its thread, with or without proof; else by the
 * first mail that its References know of. What somebody else forwards, guesses or repeats after its time begins a thread of their own.
 */
export function threadOf(headers: Headers, { address, claimed, fallbackId }: Placed, context: ReadContext): string {
  const { accountId, config, now } = context;
  const texts = TOKENS.flatMap((name) => valuesOf(headers, name));
  const reader = { secret: replySecretOf(config), accountId, address, now, maxAgeDays: config.replyDays };
  const key = readToken(texts, reader);
  // A thread that we began is that of whoever has the address: it would become another's by mail that only claims it.
  if (key !== null && (isProvenKey(key) ?? true) !== claimed) return key;
  const root = [...idsOf(valueOf(headers, 'references')), ...idsOf(valueOf(headers, 'in-reply-to'))][0];
  return threadKey({ root: root ?? ownId(headers) ?? fallbackId, address, claimed });
}

/** The mail's own id, without brackets; undefined where it has none that can be told. */
export function ownId(headers: Headers): string | undefined {
  const [id] = idsOf(valueOf(headers, 'message-id'));
  return id !== undefined && id.length <= 500 ? id : undefined;
}

/** The mail that it answers. */
export function answeredId(headers: Headers): string | undefined {
  const id = idsOf(valueOf(headers, 'in-reply-to'))[0] ?? idsOf(valueOf(headers, 'references')).at(-1);
  return id !== undefined && id.length <= 500 ? id : undefined;
}
