import { LIMITS, splitText, type MediaPart, type Part } from '#normalizer';

/** Longest piece of a text, UTF-16 units: even where JSON escapes every one of them, it stays within a message. */
const PIECE = 40_000;
/** Most that a message holds as JSON, bytes; what stands around its parts is left room. */
const ROOM = LIMITS.messageBytes - 2_048;
const OPTION_ID = 200;
const HANDLE = 320;

/**
 * A part as the model takes it. What is too long for its place is cut there, or left out where a part of it is worth nothing (an address, an id),
 * and stands whole in a text behind: nothing that a customer sends is lost, and nothing keeps a message from the helpdesk.
 */
export function within(part: Part): Part[] {
  const rest = new Set<string>();
  const fits = fitted(part, (text, most) => {
    if (text.length <= most) return true;
    rest.add(text);
    return false;
  });
  const parts = [...fits, ...[...rest].flatMap(texts)];
  return parts.length > 0 ? parts : [{ type: 'unsupported', providerType: part.type }];
}

/** Texts of any length as parts. */
export function texts(text: string): Part[] {
  return splitText(text, PIECE, 'utf16').map((piece) => ({ type: 'text', text: piece }));
}

/** Parts in as many messages as they need. */
export function messages(parts: readonly Part[]): Part[][] {
  const groups: Part[][] = [];
  let bytes = Infinity;
  for (const part of parts) {
    const size = Buffer.byteLength(JSON.stringify(part)) + 1;
    if (bytes + size > ROOM || groups.at(-1)!.length === LIMITS.parts) {
      groups.push([]);
      bytes = 2;
    }
    groups.at(-1)!.push(part);
    bytes += size;
  }
  return groups;
}

/** Is a text within its limit? What is not is kept for the text behind. */
type Holds = (text: string, most: number) => boolean;

function fitted(part: Part, holds: Holds): Part[] {
  const label = (text: string): string => (holds(text, LIMITS.label) ? text : head(text, LIMITS.label));
  const url = (text: string | undefined): string | undefined =>
    text !== undefined && holds(text, LIMITS.url) ? text : undefined;
  switch (part.type) {
    case 'text':
      return texts(part.text);
    case 'link': {
      const { title, description, thumbnailUrl } = part;
      if (url(part.url) === undefined) return texts([title, description].filter((text) => text).join('\n'));
      const shown = { ...(title && { title: label(title) }), ...(description && { description: label(description) }) };
      const thumbnail = url(thumbnailUrl);
      return [{ type: 'link', url: part.url, ...shown, ...(thumbnail && { thumbnailUrl: thumbnail }) }];
    }
    case 'choice':
      holds(part.optionId, OPTION_ID);
      return [{ ...part, optionId: head(part.optionId, OPTION_ID), label: label(part.label) }];
    case 'location':
      return placeOf(part, label);
    case 'contact-card':
      return [{ ...part, name: label(part.name), handles: part.handles.filter(({ value }) => holds(value, HANDLE)) }];
    case 'card':
      return [cardOf(part, { holds, label, url })];
    case 'media':
      return [mediaOf(part, holds)];
    default:
      return [part];
  }
}

function placeOf(part: Extract<Part, { type: 'location' }>, label: (text: string) => string): Part[] {
  const { latitude, longitude, name, address } = part;
  const known = Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180;
  if (!known)
    return [
      { type: 'unsupported', providerType: 'location' },
      ...texts([name, address].filter((text) => text).join('\n')),
    ];
  return [{ ...part, ...(name && { name: label(name) }), ...(address && { address: label(address) }) }];
}

function cardOf(
  card: Extract<Part, { type: 'card' }>,
  { holds, label, url }: { holds: Holds; label: (text: string) => string; url: (text?: string) => string | undefined },
): Part {
  const { text, media, ...rest } = card;
  return {
    ...rest,
    title: label(card.title),
    ...(text !== undefined && holds(text, PIECE) && { text }),
    ...(media && { media: mediaOf(media, holds) }),
    actions: card.actions
      .filter((action) => action.url === undefined || url(action.url) !== undefined)
      .map((action) => ({ ...action, label: head(action.label, LIMITS.label) })),
  };
}

/** A file whose address is too long may have an id as well: `ref` is `id address`. */
function mediaOf({ caption, ref, ...rest }: MediaPart, holds: Holds): MediaPart {
  const whole = ref === undefined || holds(ref, LIMITS.url) ? ref : ref.slice(0, Math.max(0, ref.indexOf(' ')));
  const shown = { ...rest, ...(caption !== undefined && holds(caption, PIECE) && { caption }) };
  if (whole !== '' && (whole === undefined || whole.length <= LIMITS.url))
    return { ...shown, ...(whole && { ref: whole }) };
  return { ...shown, state: 'unavailable' };
}

function head(text: string, most: number): string {
  return text.slice(0, most).toWellFormed();
}
