import { createHash } from 'node:crypto';
import { MOST_HEAD } from '../headers.js';

export type Canonical = 'simple' | 'relaxed';

/** One header as it stood: its name in lower case, and its lines with their ends, without the last one. */
export interface RawHeader {
  readonly name: string;
  readonly line: string;
}

/** The head of a mail as it stood (latin1). */
export function rawHeaders(source: Uint8Array): RawHeader[] {
  const text = Buffer.from(source.buffer, source.byteOffset, Math.min(source.byteLength, MOST_HEAD)).toString('latin1');
  const end = /\r?\n\r?\n/.exec(text);
  const headers: { name: string; line: string }[] = [];
  for (const line of text.slice(0, end ? end.index : text.length).split(/\r?\n/)) {
    if (/^[ \t]/.test(line) && headers.length > 0) headers.at(-1)!.line += `\r\n${line}`;
    else headers.push({ name: line.slice(0, Math.max(0, line.indexOf(':'))).trim().toLowerCase(), line });
  }
  return headers;
} // prettier-ignore

/** A header as it is signed (RFC 6376 section 3.4.1, 3.4.2). */
export function canonicalHeader({ name, line }: RawHeader, canonical: Canonical): string {
  if (canonical === 'simple') return line;
  const value = line.slice(line.indexOf(':') + 1).replace(/\r\n/g, '').replace(/[ \t]+/g, ' ').trim(); // prettier-ignore
  return `${name}:${value}`;
}

/** SHA-256 of the body as it is signed, in base64 (RFC 6376 section 3.4.3, 3.4.4). Linear. */
export function bodyHash(body: Uint8Array, canonical: Canonical): string {
  let text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1').replace(/\r?\n/g, '\r\n');
  if (canonical === 'relaxed') text = text.replace(/[ \t]+/g, ' ').replaceAll(' \r\n', '\r\n').replace(/ $/, ''); // prettier-ignore
  let end = text.length;
  while (text.endsWith('\r\n', end)) end -= 2;
  const content = text.slice(0, end);
  const whole = content === '' && canonical === 'relaxed' ? '' : `${content}\r\n`;
  return createHash('sha256').update(whole, 'latin1').digest('base64');
}
