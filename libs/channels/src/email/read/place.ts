import { isProvenKey, readToken, replySecretOf, threadKey, type IncomingMail } from '#mail';
import type { InboundEventInput } from '#normalizer';
import type { AdapterContext, KnownMessage } from '../../core/adapter.js';
import type { AccountContext } from './context.js';
import type { Inbound } from './inbound.js';
import type { ReadElsewhere } from './receipts.js';

/** Whose mail it is, and what it goes by. */
export interface Placed {
  /** Null where it says none that is one. */
  readonly address: string | null;
  readonly claimed: boolean;
  /** Its name in the store as this very mail. */
  readonly copy: string;
  /** Ids of mail before it, the nearest first; none where a token of ours led it to its thread. */
  readonly before: readonly string[];
  /** What it tells instead, where it is by whom the mail went to that it is about. */
  readonly told?: ReadElsewhere;
}

const DAY_MS = 86_400_000;
/** Names of one question. */
const MOST_NAMES = 1_000;

/**
 * The thread a mail belongs to, as far as it says itself: by a token of ours that was made for this very sender and, as its thread, with or without proof
 * (`certain`); else by the first mail that its References know of. What somebody else forwards, guesses or repeats after its time begins a thread of their own.
 */
export function threadOf(
  mail: IncomingMail,
  { address, claimed }: { readonly address: string; readonly claimed: boolean },
  { accountId, config, now }: AccountContext,
): { readonly thread: string; readonly certain: boolean } {
  const reader = { secret: replySecretOf(config), accountId, address, now, maxAgeDays: config.replyDays };
  const key = readToken(mail.returned, reader);
  if (key !== null && isFor(key, claimed)) return { thread: key, certain: true };
  const { references, id, digest } = mail;
  return { thread: threadKey({ root: references[0] ?? id ?? digest, address, claimed }), certain: false };
}

/** A thread that we began is that of whoever has the address: it would become another's by mail that only claims it. */
function isFor(thread: string, claimed: boolean): boolean {
  return (isProvenKey(thread) ?? true) !== claimed;
}

/**
 * Gives the messages of a page, in their order, the threads of mail that they name and that this account sent or received: of the very same address, with
 * or without proof as they are. What was sent is good for as long as its token. Mail of the page counts as what is stored does. What is stored as
 * this very mail is left out, however long ago that was.
 */
export async function place(
  page: readonly Inbound[],
  { config, known, now }: Pick<AdapterContext<AccountContext['config']>, 'config' | 'known' | 'now'>,
): Promise<InboundEventInput[]> {
  const stored = await lookedUp(page, known);
  const oldest = now() - config.replyDays * DAY_MS;
  const here = new Map<string, Candidate[]>();
  const events: InboundEventInput[] = [];
  for (const { event, placed } of page) {
    if (event.kind !== 'message' || !placed) {
      events.push(event);
      continue;
    }
    if (stored.get(placed.copy)?.direction === 'inbound') continue;
    const { told } = placed;
    if (told && wentTo(stored.get(told.id), placed, oldest)) {
      if (told.event) events.push(told.event);
      continue;
    }
    const candidates = placed.before.flatMap((id) => [
      ...(here.get(id) ?? []),
      ...candidatesOf(stored.get(id), oldest),
    ]);
    const thread = candidates.find((one) => isSame(one, placed))?.thread ?? event.thread;
    for (const id of event.externalIds ?? []) here.set(id, [...(here.get(id) ?? []), { ...placed, thread }]);
    events.push({ ...event, thread });
  }
  return events;
}

/** A thread that a mail may continue, and whose it is. */
interface Candidate {
  readonly thread: string;
  readonly address: string | null;
  readonly claimed: boolean;
}

function candidatesOf(message: KnownMessage | undefined, oldest: number): Candidate[] {
  if (!message || (message.direction === 'outbound' && message.at < oldest)) return [];
  const [handle] = message.handles;
  if (handle?.scheme !== 'email') return [];
  const claimed = (isProvenKey(message.thread) ?? handle.proof !== 'claimed') === false;
  return [{ thread: message.thread, address: handle.value, claimed }];
}

/** Did a message go to the very author of a mail, who has no less proof than its thread? */
function wentTo(message: KnownMessage | undefined, { address, claimed }: Placed, oldest: number): boolean {
  if (message?.direction !== 'outbound') return false;
  return candidatesOf(message, oldest).some((one) => one.address === address && (one.claimed || !claimed));
}

function isSame({ address, claimed }: Candidate, mail: Placed): boolean {
  return mail.address !== null && address === mail.address && claimed === mail.claimed;
}

async function lookedUp(page: readonly Inbound[], known: AdapterContext<unknown>['known']) {
  const names = [
    ...new Set(
      page.flatMap(({ placed }) =>
        placed ? [placed.copy, ...(placed.told ? [placed.told.id] : []), ...placed.before] : [],
      ),
    ),
  ];
  const found = new Map<string, KnownMessage>();
  for (let at = 0; at < names.length; at += MOST_NAMES)
    for (const message of await known(names.slice(at, at + MOST_NAMES))) found.set(message.externalId, message);
  return found;
}
