import { ProviderFailure, splitText, type MediaPart } from '#normalizer';
import type { MediaStream } from '#transport';
import type { ConnectorContext } from '../core/connector.js';
import { heading, mediaWords, type Rendered } from './blocks.js';
import { link, paragraph } from './html.js';
import type { Draft, Reader } from './steps.js';
import type { Attachment, Entry } from './system.js';
import { wordsOf } from './words.js';

type Access = Pick<ConnectorContext<unknown>, 'openFile' | 'fileUrl'>;

const MOST_TEXT = 50_000;
/** Most bytes of files that one entry carries, whatever each may have. */
const MOST_BYTES = 52_428_800;

/**
 * A draft as entries: one, or as many as its text takes, never none. Files are read; one that is too large for the system is linked. The last entry bears the ids, those before
 * it the same with `+1`, `+2` and so on.
 */
export async function entriesOf(draft: Draft, reader: Reader, access: Access): Promise<Entry[]> {
  const { capabilities } = reader;
  const { rendered, attachments } = await readFiles(draft, reader, access);
  const lines = [...(draft.heading === null ? [] : [heading(draft.heading)]), ...rendered];
  const text = lines.map((line) => line.text).join('\n');
  const html = lines.map((line) => line.html).join('');
  const { ids, kind, author, at, status } = draft;
  const entry = { kind, author, at, ...(status && { status }) };
  const most = capabilities.maxText ?? MOST_TEXT;
  if (Math.max(text.length, capabilities.html ? html.length : 0) <= most)
    return [{ ...entry, ids, text, html, attachments }];
  // Escaping makes html longer than its text: at most six times.
  const pieces = splitText(text, Math.max(100, Math.floor(most / (capabilities.html ? 6 : 1)) - 200), 'utf16');
  return pieces.map((piece, n) => {
    const isLast = n === pieces.length - 1;
    return {
      ...entry,
      ids: isLast ? ids : ids.map((id) => `${id}+${n + 1}`),
      text: piece,
      html: paragraph(piece),
      attachments: isLast ? attachments : [],
    };
  });
}

/** The same with its files linked. */
export function linked(entry: Entry): Entry {
  const files = entry.attachments.map(({ name, url }) => ({
    text: `${name} ${url}`,
    html: `<p>${link(url, name)}</p>`,
  }));
  return {
    ...entry,
    text: [entry.text, ...files.map(({ text }) => text)].join('\n'),
    html: entry.html + files.map(({ html }) => html).join(''),
    attachments: [],
  };
}

async function readFiles(
  draft: Draft,
  reader: Reader,
  access: Access,
): Promise<{ rendered: Rendered[]; attachments: Attachment[] }> {
  const { language } = reader.settings;
  const words = wordsOf(language);
  const rendered: Rendered[] = [];
  const attachments: Attachment[] = [];
  let room = MOST_BYTES;
  for (const block of draft.blocks) {
    if (!('media' in block)) {
      rendered.push(block);
      continue;
    }
    const { media } = block;
    const { maxAttachmentBytes, maxFiles = Infinity } = reader.capabilities;
    const most = attachments.length < maxFiles ? Math.min(room, maxAttachmentBytes) : 0;
    const attachment = await readFile(media, { most, access });
    if (attachment && attachment !== 'gone') {
      room -= attachment.content.length;
      attachments.push({ ...attachment, name: free(attachment.name, attachments) });
    }
    const shown = attachment === 'gone' ? { ...media, state: 'unavailable' as const } : media;
    const url = attachment ? undefined : addressOf(shown, access);
    rendered.push(mediaWords(shown, { url, language, words }));
  }
  return { rendered, attachments };
}

/** The file where it can travel along; null where it is to be linked; `gone` where there is none any more. */
async function readFile(
  media: MediaPart,
  { most, access }: { most: number; access: Access },
): Promise<Attachment | 'gone' | null> {
  if (!media.fileId || media.state !== 'ready' || (media.bytes ?? 0) > most || most === 0) return null;
  let file: MediaStream;
  try {
    file = await access.openFile(media.fileId);
  } catch (error) {
    if (error instanceof Error && error.name === 'NotFound') return 'gone';
    throw new ProviderFailure('unavailable', 'a stored file cannot be read now', { cause: error });
  }
  const content = await collect(file, most);
  const name = media.name ?? file.name ?? media.kind;
  return content && { name, mimeType: file.mimeType ?? media.mimeType, content, url: access.fileUrl(media.fileId) };
}

/** The bytes, or null where they are more than `most`. */
async function collect({ stream }: MediaStream, most: number): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > most) {
      stream.destroy();
      return null;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function addressOf({ state, fileId, url }: MediaPart, { fileUrl }: Access): string | undefined {
  if (state === 'unavailable') return undefined;
  return fileId ? fileUrl(fileId) : url;
}

/** A name that no other attachment of the entry has. */
function free(name: string, others: readonly Attachment[]): string {
  let [found, count] = [name, 1];
  while (others.some((other) => other.name === found)) found = name.replace(/(\.[^.]*)?$/, ` (${(count += 1)})$1`);
  return found;
}
