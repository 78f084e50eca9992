import type { ImapFlow } from 'imapflow';
import type { MailContext } from '../context.js';
import { endOf } from './connection.js';
import { nextPage, type Listed } from './page.js';
import { advanced, type Place, type View } from './place.js';
import { sources, type Source } from './source.js';

/** Where mail is that is being read. */
export interface Where {
  readonly folder: string;
  readonly validity: string;
}

/** What is made of mail. Neither throws for what a mail holds. */
export interface MailReader<T> {
  read(source: Source, where: Where): Promise<readonly T[]>;
  /** What stands for a mail that the server lists and does not hand out. */
  unread(mail: Listed, where: Where): readonly T[];
}

/** What came of one page of a folder. */
export interface Step<T> {
  readonly found: readonly T[];
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
 * hand out, is told of too (`unread`): it holds up no other.
 */
export async function readOn<T>(
  client: ImapFlow,
  { folder, place, view }: { folder: string; place: Place; view: View },
  { config: { maxBytes }, now: clock, reader }: Pick<MailContext, 'config' | 'now'> & { reader: MailReader<T> },
): Promise<Step<T> | null> {
  const now = clock();
  const page = await nextPage(client, place, { next: view.next, maxBytes });
  if (!page) return null;
  const { mails, through } = page;
  const [first] = mails;
  if (!first) return { found: [], place: advanced(place, { through, modseq: view.modseq }), uids: [] };
  const where = { folder, validity: place.validity };
  const attempts = place.failing?.uid === first.uid ? place.failing.times : 0;
  if (attempts >= ATTEMPTS) return given(mails, { found: reader.unread(first, where), place, through, view, now });
  const whole = first.bytes <= maxBytes && attempts < WHOLE_ATTEMPTS;
  const fetched = await sources(client, mails, whole);
  const found = (await Promise.all(fetched.sources.map((source) => reader.read(source, where)))).flat();
  const { failed } = fetched;
  if (!failed) return given(mails, { found, place, through, view, now });
  const before = mails.filter(({ uid }) => uid < failed.uid);
  const times = (place.failing?.uid === failed.uid ? place.failing.times : 0) + 1;
  const step = given(before, { found, place, through: failed.uid - 1, view, now });
  const stuck = { ...step.place, failing: { uid: failed.uid, times } };
  return { ...step, place: stuck, failed: endOf(client, failed.error) };
}

interface Given<T> {
  readonly found: readonly T[];
  readonly place: Place;
  readonly through: number;
  readonly view: View;
  readonly now: number;
}

/** Some servers take the time of arrival from the mail, which may say any: none arrived later than now. */
function given<T>(mails: readonly Listed[], { found, place, through, view, now }: Given<T>): Step<T> {
  const newest = Math.max(0, ...mails.map(({ arrived }) => Math.min(arrived ?? 0, now)));
  return { found, place: advanced(place, { through, newest, modseq: view.modseq }), uids: mails.map(({ uid }) => uid) };
} // prettier-ignore
