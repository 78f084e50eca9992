import { addressParser } from 'postal-mime';
import { decodeText, hasHighBytes } from './charset.js';

/** How much of a mail is looked at for its head, and of one line of it: enough for a list of thousands of recipients. */
export const MOST_HEAD = 262_144;
const MOST_VALUE = 65_536;
const MOST_HEADERS = 2_000;
/** Longest value that is decoded for people. */
const MOST_TEXT = 8_192;

/** The head of a mail. Names are in lower case; values are unfolded, in document order, as they were sent (latin1: one unit a byte). */
export interface Headers {
  readonly all: readonly (readonly [name: string, value: string])[];
  /** Is it all of the head? What another reader goes by may stand in the rest. */
  readonly whole: boolean;
  /** Where the body begins. */
  readonly bodyAt: number;
}

/** One mailbox of an address header. */
export interface Mailbox {
  readonly name: string;
  readonly address: string;
}

/**
 * Reads the head of a mail: bounded and linear, so that it is done where nothing else may wait. Names are taken leniently (white space
 * before the colon, invisible octets): a second `From` that another reader could take for one is to be seen. Never throws.
 */
export function readHeaders(source: Uint8Array, most = MOST_HEAD): Headers {
  const head = Buffer.from(source.buffer, source.byteOffset, Math.min(source.byteLength, most));
  const end = /\r?\n\r?\n/.exec(head.toString('latin1'));
  const text = head.toString('latin1', 0, end ? end.index : head.length);
  const all: [string, string][] = [];
  let [whole, open] = [end !== null || head.length === source.byteLength, false];
  for (const line of text.split(/\r?\n/)) {
    const last = open ? all.at(-1) : undefined;
    if (/^[ \t]/.test(line)) {
      if (last && last[1].length < MOST_VALUE) last[1] += line;
      continue;
    }
    const colon = line.indexOf(':');
    whole &&= all.length < MOST_HEADERS;
    open = colon > 0 && all.length < MOST_HEADERS;
    if (!open) continue;
    const name = line.slice(0, colon).replace(/[^\x21-\x7e]/g, '').toLowerCase(); // prettier-ignore
    all.push([name, line.slice(colon + 1, colon + 1 + MOST_VALUE).trim()]);
  }
  return { all, whole, bodyAt: end ? end.index + end[0].length : head.length };
}

/** Every value of a header, from the top. */
export function valuesOf({ all }: Headers, name: string): string[] {
  return all.filter(([key]) => key === name).map(([, value]) => value);
}

/** The topmost value of a header, or an empty text. */
export function valueOf({ all }: Headers, name: string): string {
  return all.find(([key]) => key === name)?.[1] ?? '';
}

/** A value for people: bytes beyond ASCII and encoded words (RFC 2047) decoded, controls gone. */
export function textOf(value: string): string {
  const raw = value.slice(0, MOST_TEXT);
  const whole = hasHighBytes(raw) ? decodeText(Buffer.from(raw, 'latin1')) : raw;
  return decodeWords(whole).replace(/\p{Cc}+/gu, ' ').trim(); // prettier-ignore
}

/** The mailboxes of an address header; `group` where it has the syntax of groups (RFC 5322 section 3.4). */
export function mailboxesOf(value: string): { readonly mailboxes: readonly Mailbox[]; readonly group: boolean } {
  const raw = value.slice(0, MOST_TEXT);
  const parsed = addressParser(hasHighBytes(raw) ? decodeText(Buffer.from(raw, 'latin1')) : raw);
  const mailboxes = parsed.flatMap((entry) => (entry.group ? entry.group : [entry]));
  const named = mailboxes.map(({ name, address }) => ({ name: decodeWords(name ?? '').trim(), address: address ?? '' }));
  return { mailboxes: named, group: parsed.some(({ group }) => group !== undefined) };
} // prettier-ignore

/** The ids of References or In-Reply-To, without brackets, in order; those that no database holds are left out. */
export function idsOf(value: string): string[] {
  const bracketed = [...value.matchAll(/<([^<>]{1,998})>/g)].map(([, id]) => id!.replace(/\s/g, ''));
  const ids = bracketed.length > 0 ? bracketed : value.split(/\s+/).filter((word) => word.includes('@'));
  return ids.filter((id) => !hasControls(id));
}

/** Are there controls in a raw value? */
export function hasControls(value: string): boolean {
  return /[^\x20-\x7e\x80-\xff]/.test(value);
}

const WORD = /=\?([^?\s]{1,80})\?([BbQq])\?([^?]*)\?=/g;

/**
 * Encoded words (RFC 2047) as text. Bytes of neighbours in one charset are joined before they are decoded: many senders split words
 * within a character, with padding in between.
 */
export function decodeWords(text: string): string {
  let result = '';
  let at = 0;
  let open: { readonly charset: string; readonly bytes: Buffer[] } | undefined;
  const close = () => {
    if (open) result += decodeText(Buffer.concat(open.bytes), open.charset);
    open = undefined;
  };
  for (const match of text.matchAll(WORD)) {
    const between = text.slice(at, match.index);
    const charset = match[1]!.replace(/\*.*$/, '').toLowerCase();
    if (!open || open.charset !== charset || between.trim() !== '') {
      const glued = open !== undefined && between.trim() === '';
      close();
      if (!glued) result += between;
      open = { charset, bytes: [] };
    }
    open.bytes.push(wordBytes(match[2]!.toUpperCase(), match[3]!));
    at = match.index + match[0].length;
  }
  close();
  return result + text.slice(at);
}

function wordBytes(encoding: string, text: string): Buffer {
  if (encoding === 'B') return Buffer.from(text, 'base64');
  const plain = Buffer.from(text.replaceAll('_', ' ')).toString('latin1');
  return Buffer.from(plain.replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))), 'latin1'); // prettier-ignore
}
