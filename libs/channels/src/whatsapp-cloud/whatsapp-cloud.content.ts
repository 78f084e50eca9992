import type { MediaPart, OutboundUnit, Part } from '#normalizer';

const MOST_BODY = 1_024;
const MOST_BUTTONS = 3;
const TYPES = {
  image: 'image',
  audio: 'audio',
  voice: 'audio',
  video: 'video',
  file: 'document',
  sticker: 'sticker',
} as const;

/** A unit in the words of the API (https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages). */
export function contentOf(
  { parts: [part], text }: OutboundUnit,
  fileUrl: (fileId: string) => string,
): { type: string } & Record<string, unknown> {
  switch (part?.type) {
    case 'media':
      return { type: TYPES[part.kind], [TYPES[part.kind]]: linkTo(part, fileUrl) };
    case 'location': {
      const { latitude, longitude, name, address } = part;
      return {
        type: 'location',
        location: { latitude, longitude, ...(name && { name }), ...(address && { address }) },
      };
    }
    case 'choices':
      return { type: 'interactive', interactive: interactiveOf(part) };
    case 'template':
      return { type: 'template', template: templateOf(part) };
    default:
      return { type: 'text', text: { body: text, preview_url: true } };
  }
}

function linkTo(part: MediaPart, fileUrl: (fileId: string) => string): object {
  const link = part.fileId === undefined ? part.url : fileUrl(part.fileId);
  const { caption, kind, name } = part;
  return { link, ...(caption && { caption }), ...(kind === 'file' && name && { filename: name }) };
}

/** Up to three options are buttons, more are a list. */
function interactiveOf({ text, options }: Extract<Part, { type: 'choices' }>): object {
  const body = { text };
  if (options.length <= MOST_BUTTONS) {
    const buttons = options.map(({ id, label: title }) => ({ type: 'reply', reply: { id, title } }));
    return { type: 'button', body, action: { buttons } };
  }
  const rows = options.map(({ id, label: title }) => ({ id, title }));
  return { type: 'list', body, action: { button: '☰', sections: [{ rows }] } };
}

/** Variables of a template are numbered or named. */
function templateOf({ name, locale = 'en', values }: Extract<Part, { type: 'template' }>): object {
  const entries = Object.entries(values).sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
  const parameters = entries.map(([key, text]) => ({
    type: 'text',
    ...(!/^\d+$/.test(key) && { parameter_name: key }),
    text,
  }));
  const components = parameters.length > 0 ? { components: [{ type: 'body', parameters }] } : {};
  return { name, language: { policy: 'deterministic', code: locale.replace('-', '_') }, ...components };
}

/** What stands over buttons is shorter than a text, and not nothing. */
export function native(part: Part): boolean {
  return part.type !== 'choices' || (part.text.trim() !== '' && part.text.length <= MOST_BODY);
}
