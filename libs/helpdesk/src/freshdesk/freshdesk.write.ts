import type { HttpRequest } from '#transport';
import type { Attachment, Entry } from '../tickets/index.js';

/** Freshdesk takes so many bytes of files in one request. */
export const MOST_BYTES = 20_000_000;

type Value = string | number | boolean | readonly string[] | Readonly<Record<string, string>>;

/** The html of an entry with its ids where people hardly see them: comments do not outlive Freshdesk, and where styles do not either they are seen. */
export function marked({ html, ids }: Pick<Entry, 'html' | 'ids'>): string {
  return `${html}<div style="display:none">[${ids.join(' ')}]</div>`;
}

/** Files in as many loads as Freshdesk takes at once, at least one. */
export function loadsOf(attachments: readonly Attachment[]): Attachment[][] {
  const loads: Attachment[][] = [[]];
  let room = MOST_BYTES;
  for (const attachment of attachments) {
    const bytes = attachment.content.length;
    if (bytes > room && loads.at(-1)!.length > 0) {
      loads.push([]);
      room = MOST_BYTES;
    }
    loads.at(-1)!.push(attachment);
    room -= bytes;
  }
  return loads;
}

/** A request that makes something: a form where files go with it, else JSON. */
export function making(
  values: Readonly<Record<string, Value | undefined>>,
  attachments: readonly Attachment[],
): Pick<HttpRequest, 'method' | 'body'> {
  if (attachments.length === 0) return { method: 'POST', body: values };
  const form = new FormData();
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    if (Array.isArray(value)) for (const one of value as readonly string[]) form.append(`${name}[]`, one);
    else if (typeof value === 'object')
      for (const [key, one] of Object.entries(value)) form.append(`${name}[${key}]`, one);
    else form.append(name, String(value));
  }
  for (const { name, mimeType, content } of attachments)
    form.append('attachments[]', new Blob([new Uint8Array(content)], { type: mimeType }), name);
  return { method: 'POST', body: form };
}
