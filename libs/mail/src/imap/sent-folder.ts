import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { ImapFlow } from 'imapflow';
import type { MailContext } from '../context.js';
import { endOf, leave, openImap } from './connection.js';

/** When the Sent folder is looked into, milliseconds after sending ended: servers put mail there within seconds. */
const LOOKS_MS = [500, 1_500, 3_000, 6_000];
/** How long looking may take in all, and putting a copy there. */
const LOOKING_MS = 20_000;
const SAVING_MS = 10_000;

/**
 * Is a mail in the Sent folder? Asked where the server did not confirm that it has it: true is certain, false is not. Servers that put
 * nothing there themselves are not asked. Never throws.
 */
export async function isInSent(messageId: string, ctx: MailContext): Promise<boolean> {
  if (ctx.config.saveSent) return false;
  const found = await inSentFolder(ctx, LOOKING_MS, async (client, signal) => {
    let waited = 0;
    for (const at of LOOKS_MS) {
      await pause(at - waited, undefined, { signal });
      waited = at;
      const uids = await client.search({ header: { 'message-id': messageId } }, { uid: true });
      if (uids && uids.length > 0) return true;
      await client.noop();
    }
    return false;
  });
  return found ?? false;
}

/**
 * Which of these mails are in the Sent folder, by their ids; null where the mailbox has no such folder. Unlike `isInSent` it is asked later, of mail of
 * earlier attempts, whoever put it there. Throws `ProviderFailure` where it cannot be asked: nobody knows then.
 */
export async function findSent(messageIds: readonly string[], ctx: MailContext): Promise<ReadonlySet<string> | null> {
  const client = await openImap(ctx);
  try {
    const folder = await sentFolder(client);
    if (folder === undefined) return null;
    await client.mailboxOpen(folder, { readOnly: true });
    const found = new Set<string>();
    for (const id of messageIds) {
      const uids = await client.search({ header: { 'message-id': id } }, { uid: true });
      if (uids && uids.length > 0) found.add(id);
    }
    return found;
  } catch (error) {
    throw endOf(client, error);
  } finally {
    await leave(client);
  }
}

/** Puts a copy of a mail into the Sent folder, read. Best effort: the mail is on its way whatever comes of it. Never throws. */
export async function saveInSent(source: Readable, ctx: MailContext): Promise<void> {
  const mail = await whole(source).catch(() => undefined);
  if (mail === undefined) return;
  await inSentFolder(ctx, SAVING_MS, (client, _signal, folder) =>
    client.append(folder, mail, ['\\Seen'], new Date(ctx.now())),
  );
}

/** Uses the Sent folder over a connection of its own; undefined where that cannot be done, or takes too long. */
async function inSentFolder<T>(
  ctx: MailContext,
  withinMs: number,
  use: (client: ImapFlow, signal: AbortSignal, folder: string) => Promise<T>,
): Promise<T | undefined> {
  const signal = AbortSignal.any([ctx.signal, AbortSignal.timeout(withinMs)]);
  let client: ImapFlow | undefined;
  const stop = () => client?.close();
  signal.addEventListener('abort', stop, { once: true });
  try {
    client = await openImap({ ...ctx, signal });
    const folder = await sentFolder(client);
    if (folder === undefined) return undefined;
    await client.mailboxOpen(folder, { readOnly: true });
    return await use(client, signal, folder);
  } catch {
    return undefined;
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}

/** The folder that the server says is for sent mail (RFC 6154), else one of a usual name. */
async function sentFolder(client: ImapFlow): Promise<string | undefined> {
  const folders = await client.list();
  const flagged = folders.find(({ specialUse }) => specialUse === '\\Sent');
  const usual = folders.find(({ path }) => /^(?:INBOX[./])?(?:Sent|Sent (?:Items|Messages|Mail)|已发送)$/i.test(path));
  return (flagged ?? usual)?.path;
}

async function whole(source: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
