import type { ImapFlow } from 'imapflow';
import type { Place } from './place.js';

/** A mail as the server lists it. */
export interface Listed {
  readonly uid: number;
  /** Its size as the server has it. 0: unknown. */
  readonly bytes: number;
  /** When it arrived (INTERNALDATE), milliseconds since the epoch; null where the server does not know. */
  readonly arrived: number | null;
}

export interface Page {
  /** Mail to read, by uid. */
  readonly mails: readonly Listed[];
  /** Up to here the folder is done once these are. */
  readonly through: number;
}

/** Uids that are looked at in one go: a line of 100 octets each, where all of them exist. */
const WINDOW = 500;
const MOST_MAILS = 50;
/** Together; one mail alone may be larger. */
const MOST_BYTES = 8_388_608;
/** Earlier than this no mail arrived: the server does not know when. */
const FIRST_MAIL = Date.UTC(1990, 0, 1);

/** What to read next of the folder that is open, `next` being its UIDNEXT; null where there is nothing. */
export async function nextPage(
  client: ImapFlow,
  place: Place,
  { next, maxBytes }: { next: number; maxBytes: number },
): Promise<Page | null> {
  const first = place.uid + 1;
  const last = Math.min(first + WINDOW, next) - 1;
  if (last < first) return null;
  const listed = await list(client, first, last);
  if (listed.length === 0) return { mails: [], through: (await uidFrom(client, last + 1, next)) - 1 };
  const wanted = listed.filter(({ arrived }) => !earlier(arrived, place.since));
  const mails = cut(wanted, { failing: place.failing?.uid, maxBytes });
  const through = mails.length < wanted.length ? wanted[mails.length]!.uid - 1 : last;
  return { mails: await arrivedSince(client, mails, place), through };
}

/** As much as is read in one go. A mail that failed before, or that is too large to be read whole, is read alone. */
function cut(mails: readonly Listed[], { failing, maxBytes }: { failing?: number | undefined; maxBytes: number }) {
  const alone = ({ uid, bytes }: Listed) => uid === failing || bytes > maxBytes;
  let sum = 0;
  const end = mails.findIndex((mail, i) => {
    sum += mail.bytes;
    return i > 0 && (i >= MOST_MAILS || sum > MOST_BYTES || alone(mail) || alone(mails[i - 1]!));
  });
  return end < 0 ? mails : mails.slice(0, end);
}

/** Uids, sizes and times of what exists from `first` to `last`. Servers answer in any order, twice, and of their own accord as well. */
async function list(client: ImapFlow, first: number, last: number): Promise<Listed[]> {
  const found = new Map<number, Listed>();
  for await (const mail of client.fetch(`${first}:${last}`, { uid: true, size: true, internalDate: true }, { uid: true })) {
    const { uid, size, internalDate } = mail;
    if (!(uid >= first && uid <= last) || size === undefined) continue;
    const at = internalDate === undefined ? NaN : new Date(internalDate).getTime();
    found.set(uid, { uid, bytes: size, arrived: at >= FIRST_MAIL ? at : null });
  }
  return [...found.values()].sort((a, b) => a.uid - b.uid);
} // prettier-ignore

/**
 * The lowest uid from `first` on, `next` where there is none: between two mails there may be any number of uids that are no more. Sequence
 * numbers have no gaps, and do not change between FETCH commands (RFC 3501 section 7.4.1): the mail is found by halving.
 */
async function uidFrom(client: ImapFlow, first: number, next: number): Promise<number> {
  let [low, high, found] = [1, client.mailbox ? client.mailbox.exists : 0, next];
  while (low <= high) {
    const middle = Math.floor((low + high) / 2);
    const mail = await client.fetchOne(String(middle), { uid: true });
    const uid = mail ? mail.uid : Infinity;
    if (uid < first) low = middle + 1;
    else {
      found = Math.min(found, uid);
      high = middle - 1;
    }
  }
  return found;
}

/**
 * In a folder that was numbered anew, INTERNALDATE may be when that happened: then the line says it that our own server put on top of the
 * mail when it came (RFC 5321 section 4.4).
 */
async function arrivedSince(client: ImapFlow, mails: readonly Listed[], { anew }: Place): Promise<readonly Listed[]> {
  if (!anew) return mails;
  const left = mails.filter(({ uid, arrived }) => uid >= anew.until || !earlier(arrived, anew.since));
  const doubtful = left.filter(({ uid }) => uid < anew.until).map(({ uid }) => uid);
  if (doubtful.length === 0) return left;
  const old = new Set<number>();
  for await (const { uid, headers } of client.fetch(doubtful.join(','), { headers: ['received'] }, { uid: true }))
    if (headers && earlier(receivedAt(headers.toString('latin1')), anew.since)) old.add(uid);
  return left.filter(({ uid }) => !old.has(uid));
}

function earlier(arrived: number | null, since: number): boolean {
  return arrived !== null && arrived < since;
}

/** The time in the topmost Received line, milliseconds since the epoch; null where there is none. */
export function receivedAt(headers: string): number | null {
  const line = /^received:((?:.|\r?\n[ \t])*)/im.exec(headers)?.[1] ?? '';
  const text = line.slice(line.lastIndexOf(';') + 1).replace(/\([^()]*\)/g, '');
  const at = line.includes(';') ? Date.parse(text.trim()) : NaN;
  return at >= FIRST_MAIL ? at : null;
}
