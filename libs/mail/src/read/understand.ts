import { cleanType, kindOf, mailFile, nameOf } from './files.js';
import { bodyHash } from './dkim/canonical.js';
import { readHeaders } from './headers.js';
import { cutHtml } from './html/cut.js';
import { parseMail, type Found } from './mime.js';
import { cutPlain } from './quotes/plain.js';
import type { OpenedFile, ReadRequest, Reading } from './reading.js';
import { readReport } from './report.js';

const ENCRYPTED = /^(?:application\/(?:x-)?pkcs7-mime|application\/pgp-encrypted)$/;

/** What a mail says: its newly written words, what was taken away from them, its files. Throws what `parseMail` does. */
export async function understand(source: Uint8Array, request: Omit<ReadRequest, 'task'>): Promise<Reading> {
  const mail = await parseMail(source);
  const words = wordsOf(mail, { ...request, files: mail.files.some((file) => !file.related) });
  const shown = idsIn(words.html ?? '');
  const once = idsIn(mail.html);
  const files = mail.files
    .map((file, index) => mailFile(file, index, shown))
    // Pictures of the history alone stay in the original.
    .filter((file) => file.contentId === undefined || shown.has(file.contentId) || !once.has(file.contentId));
  const report = readReport(mail.files, `${mail.text}\n${mail.html}`);
  const unsupported = mail.files.some(({ mimeType }) => ENCRYPTED.test(mimeType)) ? ['mail: encrypted'] : [];
  const body = source.subarray(readHeaders(source).bodyAt);
  const hashes =
    request.hashes && Object.fromEntries(request.hashes.map((canonical) => [canonical, bodyHash(body, canonical)]));
  return { ...words, files, unsupported, ...(report && { report }), ...(hashes && { hashes }) };
}

function wordsOf(mail: { text: string; html: string }, context: Parameters<typeof cutPlain>[1]): Omit<Reading, 'files' | 'unsupported' | 'report'> {
  const cut = mail.html === '' ? undefined : cutHtml(mail.html, context);
  const seen = cut && (cut.text !== '' || /<img /.test(cut.html));
  if (cut && (seen || mail.text.trim() === '')) {
    const { text, quoted, html, changed } = cut;
    return { text, quoted, changed: changed || quoted !== '', ...(html !== '' && { html }) };
  }
  const { text, quoted } = cutPlain(mail.text, context);
  return { text, quoted, changed: quoted !== '' || cut?.changed === true };
} // prettier-ignore

/** The ids of pictures that html shows. */
function idsIn(html: string): ReadonlySet<string> {
  const ids = [...html.matchAll(/\bcid:([^"'\s>)]{1,400})/gi)].map(([, id]) => unescaped(id!));
  return new Set(ids);
}

function unescaped(id: string): string {
  const plain = id.replace(/&amp;/g, '&').replace(/&#39;/g, "'").replace(/&#96;/g, '`');
  try {
    return decodeURIComponent(plain);
  } catch {
    return plain;
  }
}

/** The octets of the file at `index`; undefined where the mail has no such. */
export async function openFile(source: Uint8Array, index: number): Promise<OpenedFile | undefined> {
  const found: Found | undefined = (await parseMail(source)).files[index];
  if (!found) return undefined;
  const mimeType = cleanType(found.mimeType);
  const content = new Uint8Array(found.content instanceof Uint8Array ? found.content : new Uint8Array(found.content));
  return { mimeType, name: nameOf(found, { kind: kindOf(mimeType), mimeType }), content };
}
