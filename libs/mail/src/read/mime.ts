import PostalMime, { type Attachment, type Email } from 'postal-mime';
import { readHeaders, valueOf } from './headers.js';

const CONTENT = [
  'content-type',
  'content-transfer-encoding',
  'content-disposition',
  'content-id',
  'content-description',
];
/** In the thread there is time for more of a head than outside: where it ends, the words begin. */
const LONGEST_HEAD = 4_194_304;
/** How much of a body without a usable boundary is searched for one. */
const SEARCHED = 65_536;

/** A file with its octets, as the parser found it. */
export type Found = Attachment & { readonly content: ArrayBuffer | Uint8Array };
export interface ParsedMail {
  readonly text: string;
  readonly html: string;
  readonly files: readonly Found[];
}

/**
 * The parts of a mail. The parser sees of the head only what concerns the body: the rest is read elsewhere, within bounds. A boundary that
 * is missing or wrong is found in the body; a body of which nothing else can be made is text. Throws where nesting exceeds 256 levels,
 * or heads of parts 2 MiB.
 */
export async function parseMail(source: Uint8Array): Promise<ParsedMail> {
  const headers = readHeaders(source, LONGEST_HEAD);
  const body = source.subarray(headers.bodyAt);
  const head = new Map(CONTENT.map((name) => [name, valueOf(headers, name)]));
  head.set('content-type', mendBoundary(head.get('content-type')!, body));
  const mail = await parse(head, body);
  const nothing = !mail.text?.trim() && !mail.html?.trim() && mail.attachments.length === 0;
  if (nothing && body.length > 0 && head.get('content-type') !== '') return result(await parse(new Map(), body));
  return result(mail);
}

function parse(head: ReadonlyMap<string, string>, body: Uint8Array): Promise<Email> {
  const lines = [...head].filter(([, value]) => value !== '').map(([name, value]) => `${name}: ${value}\r\n`);
  const whole = Buffer.concat([Buffer.from(`${lines.join('')}\r\n`, 'latin1'), body]);
  return new PostalMime({ forceRfc822Attachments: true }).parse(whole);
}

function result({ text = '', html = '', attachments }: Email): ParsedMail {
  return { text, html, files: attachments as Found[] };
}

/** Type with the boundary that the body has in truth, where what the head says does not occur in it. */
function mendBoundary(type: string, body: Uint8Array): string {
  if (!/^\s*multipart\//i.test(type)) return type;
  const named = /boundary\s*=\s*(?:"([^"]+)"|([^\s;"]+))/i.exec(type);
  const start = Buffer.from(body.buffer, body.byteOffset, Math.min(body.byteLength, SEARCHED));
  const boundary = named?.[1] ?? named?.[2];
  if (boundary !== undefined && start.includes(`--${boundary}`)) return type;
  if (boundary !== undefined && body.byteLength > SEARCHED) return type;
  const found = /(?:^|\n)--([^\r\n]{1,100}?)[ \t]*\r?\n(?:content|mime)-/i.exec(start.toString('latin1'));
  const plain = type.split(';')[0]!.trim();
  return found ? `${plain}; boundary="${found[1]!.replace(/["\\]/g, '\\$&')}"` : 'text/plain';
}
