import { ProviderFailure } from '#normalizer';
import type { MediaStream } from '#transport';
import type { ImapFlow } from 'imapflow';
import type { MailContext } from '../context.js';
import type { Mailbox } from '../settings.js';
import { openPart } from '../read/index.js';
import { endOf, leave, openImap } from './connection.js';
import { readLocation, type Location } from './location.js';
import { messageIdIn } from './source.js';

/** How long a mail is kept whose file was opened: the others of it are asked for within seconds. */
const KEEP_MS = 10_000;
/** Mails of one mailbox that are kept, or under way, at once. */
const MOST_KEPT = 2;

/** By the settings of a mailbox, of which each process has one object, and by where the mail is. */
const kept = new WeakMap<Mailbox, Map<string, Promise<Buffer>>>();

/**
 * Opens a file of a mail, by the `ref` of its part: fetches the mail again, once for all of its files that are asked for together, by its number or, where that
 * changed or it was moved, by its Message-ID in all folders of the mailbox. Throws `ProviderFailure`: `content-refused` where it is no more.
 */
export async function openMailFile(ref: string, ctx: MailContext): Promise<MediaStream> {
  const { location, part } = JSON.parse(ref) as { location: string; part: string };
  return openPart(await sourceAt(location, ctx), part);
}

function sourceAt(location: string, ctx: MailContext): Promise<Buffer> {
  const mails = kept.get(ctx.config) ?? new Map<string, Promise<Buffer>>();
  kept.set(ctx.config, mails);
  const known = mails.get(location);
  if (known) return known;
  const source = fetched(location, ctx);
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
    const source = await find(client, readLocation(location), ctx);
    if (source) return source;
  } catch (error) {
    throw endOf(client, error);
  } finally {
    await leave(client);
  }
  throw new ProviderFailure('content-refused', 'the mail is in no folder of the mailbox any more');
}

async function find(client: ImapFlow, { folder, validity, uid, messageId }: Location, { config }: MailContext) {
  const { folders, moveTo } = config.imap;
  for (const one of new Set([folder, ...(moveTo === undefined ? [] : [moveTo]), ...folders])) {
    const opened = await open(client, one);
    if (opened === null) continue;
    const here = one === folder && opened === validity ? await sourceOf(client, uid) : null;
    if (here && (messageId === null || messageIdIn(here) === messageId)) return here;
    const found = messageId === null ? null : await searched(client, messageId);
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

async function searched(client: ImapFlow, messageId: string): Promise<Buffer | null> {
  const uids = await client.search({ header: { 'message-id': messageId } }, { uid: true });
  // The server looks for a part of the header.
  for (const uid of (uids || []).slice(0, MOST_LIKE_IT)) {
    const source = await sourceOf(client, uid);
    if (source && messageIdIn(source) === messageId) return source;
  }
  return null;
}

const MOST_LIKE_IT = 5;

async function sourceOf(client: ImapFlow, uid: number): Promise<Buffer | null> {
  const mail = await client.fetchOne(String(uid), { source: true }, { uid: true });
  return mail ? (mail.source ?? null) : null;
}
