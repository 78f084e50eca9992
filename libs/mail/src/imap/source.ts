import type { ImapFlow } from 'imapflow';
import type { Listed } from './page.js';

/** One mail as the server has it; `whole` is false where it is the header alone. */
export interface Source {
  readonly uid: number;
  readonly arrived: number | null;
  /** Its whole size, as the server has it. */
  readonly bytes: number;
  readonly octets: Buffer;
  readonly whole: boolean;
}

/** How far fetching came, and what ended it. */
export interface Fetched {
  readonly sources: readonly Source[];
  readonly failed?: { readonly uid: number; readonly error: unknown };
}

/**
 * Fetches mails without marking them as read. What another client removed meanwhile is left out; under a uid that the server gave twice
 * there may be two. A connection or a server that fails ends it: `failed` names the first mail that did not come.
 */
export async function sources(client: ImapFlow, mails: readonly Listed[], whole: boolean): Promise<Fetched> {
  const got = new Map<number, Source[]>(mails.map(({ uid }) => [uid, []]));
  const listed = new Map(mails.map((mail) => [mail.uid, mail]));
  const query = whole ? { uid: true, source: true } : { uid: true, headers: true };
  let error: unknown;
  try {
    for await (const mail of client.fetch(mails.map(({ uid }) => uid).join(','), query, { uid: true })) {
      const octets = whole ? mail.source : mail.headers;
      const known = listed.get(mail.uid);
      if (octets && known) got.get(mail.uid)!.push({ ...known, octets, whole });
    }
  } catch (thrown) {
    error = thrown;
  }
  const all = [...got.values()].flat();
  const missing = mails.filter(({ uid }) => got.get(uid)!.length === 0).map(({ uid }) => uid);
  if (error === undefined && missing.length > 0) missing.splice(0, Infinity, ...(await existing(client, missing)));
  const [uid] = missing;
  if (uid === undefined) return { sources: all };
  return { sources: all.filter((source) => source.uid < uid), failed: { uid, error } };
}

/** Which of these there are: mail that a server lists and does not hand out was not removed. */
async function existing(client: ImapFlow, uids: readonly number[]): Promise<number[]> {
  const found: number[] = [];
  for await (const { uid } of client.fetch(uids.join(','), { uid: true }, { uid: true }))
    if (uids.includes(uid)) found.push(uid);
  return found.sort((a, b) => a - b);
}
