import type { InboundEventInput } from '#normalizer';
import type { ImapFlow } from 'imapflow';
import { eventsOf, unfetched } from './events.js';
import { endOf, type MailContext } from './connection.js';
import { nextPage, type Listed } from './page.js';
import { advanced, type Place, type View } from './place.js';
import { sources } from './source.js';

/** What came of one page of a folder. */
export interface Step {
  readonly events: readonly InboundEventInput[];
  readonly place: Place;
  /** Whose mail it is that is stored with it. */
  readonly uids: readonly number[];
  /** The connection, or the server, failed on the way: what is here is good all the same. */
  readonly failed?: Error;
}

/** Attempts to fetch a mail whole; then its header alone is tried, then it is told of without. */
const WHOLE_ATTEMPTS = 3;
const ATTEMPTS = 4;

/**
 * Reads the next page of the folder that is open; null where there is nothing new. A mail that cannot be read, or that the server does not
 * hand out, becomes a message too, which has the original for a file: it holds up no other.
 */
export async function readOn(
  client: ImapFlow,
  { folder, place, view }: { folder: string; place: Place; view: View },
  ctx: MailContext,
): Promise<Step | null> {
  const { maxBytes } = ctx.config;
  const now = ctx.now();
  const page = await nextPage(client, place, { next: view.next, maxBytes });
  if (!page) return null;
  const { mails, through } = page;
  const [first] = mails;
  if (!first) return { events: [], place: advanced(place, { through, modseq: view.modseq }), uids: [] };
  const where = { folder, validity: place.validity };
  const attempts = place.failing?.uid === first.uid ? place.failing.times : 0;
  if (attempts >= ATTEMPTS)
    return given(mails, {
      events: [unfetched({ ...where, ...first, accountId: ctx.accountId })],
      place,
      through,
      view,
      now,
    });
  const whole = first.bytes <= maxBytes && attempts < WHOLE_ATTEMPTS;
  const fetched = await sources(client, mails, whole);
  const events = (await Promise.all(fetched.sources.map((source) => eventsOf(source, where, ctx)))).flat();
  const { failed } = fetched;
  if (!failed) return given(mails, { events, place, through, view, now });
  const before = mails.filter(({ uid }) => uid < failed.uid);
  const times = (place.failing?.uid === failed.uid ? place.failing.times : 0) + 1;
  const step = given(before, { events, place, through: failed.uid - 1, view, now });
  const stuck = { ...step.place, failing: { uid: failed.uid, times } };
  return { ...step, place: stuck, failed: endOf(client, failed.error) };
}

interface Given {
  readonly events: readonly InboundEventInput[];
  readonly place: Place;
  readonly through: number;
  readonly view: View;
  readonly now: number;
}

/** Some servers take the time of arrival from the mail, which may say any: none arrived later than now. */
function given(mails: readonly Listed[], { events, place, through, view, now }: Given): Step {
  const newest = Math.max(0, ...mails.map(({ arrived }) => Math.min(arrived ?? 0, now)));
  return { events, place: advanced(place, { through, newest, modseq: view.modseq }), uids: mails.map(({ uid }) => uid) };
} // prettier-ignore
