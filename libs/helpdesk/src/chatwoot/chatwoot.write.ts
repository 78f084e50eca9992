import type { HttpRequest } from '#transport';
import type { Attachment, Entry } from '../tickets/index.js';

type Values = Readonly<Record<string, string | number | boolean | undefined | Readonly<Record<string, unknown>>>>;

/** What a message says of an entry, but for its files. */
export function messageOf({ kind, text, ids }: Entry) {
  const isOurs = kind === 'note';
  return { content: text, message_type: isOurs ? 'outgoing' : 'incoming', private: isOurs, source_id: ids.join(' ') };
}

/** A request that makes something: a form where files go with it, in the field of this name, else JSON. */
export function making(
  values: Values,
  attachments: readonly Attachment[],
  field: string,
): Pick<HttpRequest, 'method' | 'body'> {
  if (attachments.length === 0) return { method: 'POST', body: values };
  const form = new FormData();
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    if (typeof value !== 'object') form.append(name, String(value));
    else for (const [key, one] of Object.entries(value)) form.append(`${name}[${key}]`, String(one));
  }
  for (const { name, mimeType, content } of attachments)
    form.append(`${field}[]`, new Blob([new Uint8Array(content)], { type: mimeType }), name);
  return { method: 'POST', body: form };
}
