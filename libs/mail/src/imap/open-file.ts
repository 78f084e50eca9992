import { ProviderFailure } from '#normalizer';
import type { MediaStream } from '#transport';
import type { ImapFlow } from 'imapflow';
import type { MailContext } from '../context.js';
import type { Mailbox } from '../settings.js';
import { openPart } from '../read/index.js';
import { endOf, leave, openImap } from './connection.js';
import { imapFailure } from './failures.js';
import { isMailOf, readLocation, type Location } from './location.js';

/** How long a mail is kept whose file was opened: the others of it are asked for within seconds. */
const KEEP_MS = 10_000;
/** Mails of one mailbox that are kept, or under way, at once. */
const MOST_KEPT = 2;

/** How long connecting for a mail may take, whoever still waits for it. */
const MOST_MS = 60_000;

/** By the settings of a mailbox, of which each process has one object, and by where the mail is. */
const kept = new WeakMap<Mailbox, Map<string, Promise<Buffer>>>();

/**
 * Opens a file of a mail, by the `ref` of its part: fetches the mail again, once for all of its files that are asked for together, by its number or, where that
 * changed or it was moved, by its Message-ID in all folders of the mailbox: never another mail under that id. Throws `ProviderFailure`: `content-refused` where it is no more.
 */
export async function openMailFile(ref: string, ctx: MailContext): Promise<MediaStream> {
  const { location, part } = JSON.parse(ref) as { location: string; part: string };
  return openPart(await waited(sourceAt(location, ctx), ctx.signal), part);
}

/** Who gives up waiting leaves it to those who wait as well. */
async function waited<T>(made: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw imapFailure(signal.reason);
  return new Promise((resolve, reject) => {
    const stop = () => reject(imapFailure(signal.reason));
    signal.addEventListener('abort', stop, { once: true });
    made.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

function sourceAt(location: string, ctx: MailContext): Promise<Buffer> {
  const mails = kept.get(ctx.config) ?? new Map<string, Promise<Buffer>>();
  kept.set(ctx.config, mails);
  const known = mails.get(location);
  if (known) return known;
  const source = fetched(location, { ...ctx, signal: AbortSignal.timeout(MOST_MS) });
  mails.set(location, source);
  const [oldest] = mails.keys();
  if (mails.size > MOST_KEPT) mails.delete(oldest!);
  const forget = () => void (mails.get(location) === source && mails.delete(location));
  source.then(() => setTimeout(forget, KEEP_MS).unref(), forget);
  return source;
}

async function fetched(location: string, ctx: MailContext): Promise<Buffer> {
  const client = await openImap(ctx);
  try {
    const source = await find(client, readLocation(location), ctx.config.imap);
    if (source) return source;
  } catch (error) {
    throw endOf(client, error);
  } finally {
    await leave(client);
  }
  throw new ProviderFailure('content-refused', 'the mail is in no folder of the mailbox any more');
}

async function find(client: ImapFlow, location: Location, { folders, moveTo }: Mailbox['imap']) {
  const { folder, validity, uid } = location;
  for (const one of new Set([folder, ...(moveTo === undefined ? [] : [moveTo]), ...folders])) {
    const opened = await open(client, one);
    if (opened === null) continue;
    const here = one === folder && opened === validity ? await sourceOf(client, uid) : null;
    if (here && isMailOf(location, here)) return here;
    const found = await searched(client, location);
    if (found) return found;
  }
  return null;
}

/** UIDVALIDITY of a folder that is there. */
async function open(client: ImapFlow, folder: string): Promise<string | null> {
  try {
    return String((await client.mailboxOpen(folder, { readOnly: true })).uidValidity);
  } catch (error) {
    if (!client.usable) throw error;
    return null;
  }
}

/** The server looks for a part of the header, and anybody may write under an id. */
async function searched(client: ImapFlow, location: Location): Promise<Buffer | null> {
  if (location.messageId === null) return null;
  const uids = await client.search({ header: { 'message-id': location.messageId } }, { uid: true });
  for (const uid of (uids || []).slice(0, MOST_LIKE_IT)) {
    const mail = await client.fetchOne(String(uid), { headers: true }, { uid: true });
    if (mail && mail.headers && isMailOf(location, mail.headers)) return sourceOf(client, uid);
  }
  return null;
}

const MOST_LIKE_IT = 50;

async function sourceOf(client: ImapFlow, uid: number): Promise<Buffer | null> {
  const mail = await client.fetchOne(String(uid), { source: true }, { uid: true });
  return mail ? (mail.source ?? null) : null;
}
