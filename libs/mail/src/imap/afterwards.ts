import type { ImapFlow } from 'imapflow';
import type { Mailbox } from '../settings.js';

type Settings = Mailbox['imap'];

/** Is anything to be done with mail that is stored? Else folders are opened to be read alone. */
export function touches({ markSeen, moveTo }: Settings): boolean {
  return markSeen || moveTo !== undefined;
}

/**
 * Marks and moves mail that is stored, as the settings say, in the folder that is open. Resolves with what hinders it, in words, or null.
 * Doing it twice does no harm: what is no more there is left out.
 */
export async function settle(client: ImapFlow, uids: readonly number[], settings: Settings): Promise<string | null> {
  const { markSeen, moveTo } = settings;
  if (uids.length === 0) return null;
  const range = uids.join(',');
  const marked = !markSeen || (await client.messageFlagsAdd(range, ['\\Seen'], { uid: true }));
  if (!marked && client.usable) return 'the server does not let mail be marked as read';
  // Without either of them, moving would remove what others marked as deleted (RFC 4315, 6851).
  if (moveTo !== undefined && !client.capabilities.has('MOVE') && !client.capabilities.has('UIDPLUS'))
    return 'the server cannot move mail without touching other mail';
  if (moveTo === undefined || (await client.messageMove(range, moveTo, { uid: true }))) return null;
  return `the server does not let mail be moved to "${moveTo}": is there such a folder?`;
}
