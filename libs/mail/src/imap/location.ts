import { createHash } from 'node:crypto';
import { hasControls, readHeaders, valuesOf } from '../read/headers.js';
import type { Where } from './read-on.js';

/** What a mail is known by, wherever it lies. */
interface Known {
  /** By which it is found when it was moved, or when the server numbered anew; null where it says none, or was not seen. */
  readonly messageId: string | null;
  /** By which it is told from others under its Message-ID; null where it was not seen. */
  readonly mark: string | null;
}

/** Where a mail is: what the references of its files begin with. */
export interface Location extends Where, Known {
  readonly uid: number;
}

type Written = readonly [folder: string, validity: string, uid: number, messageId: string | null, mark: string | null];

/** Names where a mail is. `octets`: all of it, or its head; null where it was not seen. */
export function writeLocation({ folder, validity, uid }: Where & { uid: number }, octets: Buffer | null): string {
  const { messageId, mark } = octets ? knownBy(octets) : { messageId: null, mark: null };
  return JSON.stringify([folder, validity, uid, messageId, mark] satisfies Written);
}

export function readLocation(text: string): Location {
  const [folder, validity, uid, messageId, mark] = JSON.parse(text) as Written;
  return { folder, validity, uid, messageId, mark };
}

/** Is this the very mail, or its head, that a location was written of? */
export function isMailOf({ messageId, mark }: Location, octets: Buffer): boolean {
  if (mark === null) return true;
  const found = knownBy(octets);
  return found.messageId === messageId && found.mark === mark;
}

/** Whoever writes under the id of somebody's mail, and repeats all of it, has its way here to themselves: `Received` tells them apart. */
function knownBy(octets: Buffer): Known {
  const headers = readHeaders(octets);
  const id = (valuesOf(headers, 'message-id')[0] ?? '').replace(/[\s<>]/g, '');
  const said = ['date', 'from', 'received'].map((name) => valuesOf(headers, name));
  const mark = createHash('sha256').update(JSON.stringify(said)).digest('base64url').slice(0, 16);
  return { messageId: id === '' || id.length > 500 || hasControls(id) ? null : id, mark };
}
