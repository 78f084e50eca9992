import { LIMITS, type PartInput } from '#normalizer';
import type { MailFile, Reading } from './reading.js';
import type { Unreadable } from './thread.js';

/** The `part` by which the mail itself is opened. */
export const ORIGINAL = 'original';
/** Octets of all parts as JSON, with room for what the store adds; files first, words in what they leave. */
const MOST_JSON = LIMITS.messageBytes - 20_000;
const MOST_FILES = 40;

interface Whole {
  readonly subject: string;
  readonly location: string;
  readonly bytes: number;
}

/**
 * The parts of a message: its words (html with its text, or text), its files, and the original mail where anything was taken away, held
 * back or does not fit. There is always one.
 */
export function partsOf(reading: Reading | Unreadable, whole: Whole): { parts: PartInput[]; quoted: string } {
  if (reading instanceof Error) {
    const note = { type: 'unsupported' as const, providerType: `mail: ${reading.message}`.slice(0, 200) };
    return { parts: [...subjectOf(whole), note, originalPart(whole.location, whole.bytes)], quoted: '' };
  }
  const files = reading.files.slice(0, MOST_FILES).map((file) => filePart(file, whole));
  const left = reading.files.length - files.length;
  const notes = [...reading.unsupported, ...(left > 0 ? [`mail: ${left} more files, in the original`] : [])];
  const unsupported = notes.map((providerType) => ({ type: 'unsupported' as const, providerType }));
  const words = wordsOf(reading, MOST_JSON - size(files));
  const incomplete = reading.changed || words.cut || left > 0;
  const rest = [...unsupported, ...files, ...(incomplete ? [originalPart(whole.location, whole.bytes)] : [])];
  const said = words.part ? [words.part] : rest.every(isOriginal) ? subjectOf(whole) : [];
  if (said.length + rest.length === 0) said.push({ type: 'unsupported', providerType: 'mail: empty' });
  return { parts: [...said, ...rest], quoted: reading.quoted.slice(0, LIMITS.text).toWellFormed() };
} // prettier-ignore

/** Words as they fit: html with text, else text, else the beginning of it. `cut`: not all of them are there. */
function wordsOf({ text, html }: Reading, room: number): { part?: PartInput; cut: boolean } {
  if (html !== undefined && (text !== '' || /<img /.test(html))) {
    const part = { type: 'html' as const, html, text };
    if (html.length <= LIMITS.text && text.length <= LIMITS.text && size(part) <= room) return { part, cut: false };
  }
  if (text === '') return { cut: false };
  if (text.length <= LIMITS.text && size(text) <= room) return { part: { type: 'text', text }, cut: html !== undefined };
  let beginning = text.slice(0, LIMITS.text - 10);
  while (size(beginning) > room - 100) beginning = beginning.slice(0, Math.floor(beginning.length * 0.9));
  return { part: { type: 'text', text: `${beginning.toWellFormed()}\n[…]` }, cut: true };
} // prettier-ignore

/** A mail without words: its subject is what it says. */
function subjectOf({ subject }: Whole): PartInput[] {
  return subject === '' ? [] : [{ type: 'text', text: subject }];
}

function filePart({ index, kind, mimeType, name, bytes, contentId, inline }: MailFile, { location }: Whole): PartInput {
  return {
    ...{ type: 'media', kind, mimeType, name, bytes, state: 'pending' },
    ref: JSON.stringify({ location, part: String(index) }),
    ...(contentId !== undefined && inline && { contentId, purpose: 'inline' }),
  };
}

/** The mail itself as a file. `bytes` where its size is known. */
export function originalPart(location: string, bytes?: number): PartInput {
  return {
    ...{ type: 'media', kind: 'file', mimeType: 'message/rfc822', name: 'original.eml', state: 'pending' },
    ...{ ref: JSON.stringify({ location, part: ORIGINAL }), purpose: 'original' },
    ...(bytes !== undefined && { bytes }),
  };
}

const isOriginal = (part: PartInput): boolean => part.type === 'media' && part.purpose === 'original';
const size = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
