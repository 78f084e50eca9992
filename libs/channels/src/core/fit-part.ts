import { markdownToText, measure, numberedChoices, renderText, type ChoicesPart, type Part } from '#normalizer';
import type { Capabilities, Level } from './capabilities.js';
import type { FitOptions } from './fit-piece.js';
import { fitMedia } from './fit-media.js';
import { refuse, textPieces, type Piece, type Placed } from './fit-piece.js';
import { checkTemplate } from './fit-template.js';

/**
 * What becomes of one part on a channel. Native at level `full`, unless a text in it is longer than `text.max`; its plain rendering at
 * `fallback`; nothing at `dropped`. HTML falls back to its text, markdown to what it says, choices (also with too many options or too long labels) to a numbered
 * list, a card to its rendering after its media. An answer to choices is sent as its label. Throws `content-refused`.
 */
export function fitPart(placed: Placed, capabilities: Capabilities, options: FitOptions): Piece[] {
  const { part, at } = placed;
  switch (part.type) {
    case 'text':
      return fitText(part, capabilities);
    case 'choice':
      return textPieces(part.label || part.optionId, capabilities);
    case 'media':
      return fitMedia({ part, at }, capabilities, options);
    case 'unsupported':
      throw refuse(placed, `"${part.providerType}" cannot be sent anywhere`);
    default:
      return fitLevelled({ part, at }, capabilities, options);
  }
}

function fitText(part: Extract<Part, { type: 'text' }>, capabilities: Capabilities): Piece[] {
  if (part.format !== 'markdown') return textPieces(part.text, capabilities);
  const { max, unit } = capabilities.text;
  if (capabilities.markdown === 'full' && measure(part.text, unit) <= max) return [{ part }];
  return textPieces(markdownToText(part.text), capabilities);
}

type Levelled = Exclude<Part, { type: 'text' | 'choice' | 'media' | 'unsupported' }>;

function fitLevelled(placed: Placed<Levelled>, capabilities: Capabilities, options: FitOptions): Piece[] {
  const { part } = placed;
  const level = levelOf(part, capabilities);
  if (level === 'refused') throw refuse(placed, 'the channel does not take it');
  if (level === 'dropped') return [];
  if (level === 'full' && part.type === 'template') checkTemplate({ part, at: placed.at }, capabilities);
  if (level === 'full' && isWithin(part, capabilities) && (options.native?.(part) ?? true)) return [{ part }];
  return fallback({ part, at: placed.at }, capabilities, options);
}

function levelOf(part: Levelled, capabilities: Capabilities): Level {
  if (part.type === 'choices') return capabilities.choices.level;
  return capabilities[part.type === 'contact-card' ? 'contactCard' : part.type];
}

/** Does a native part keep to the limits of its texts? */
function isWithin(part: Levelled, capabilities: Capabilities): boolean {
  const { max, unit } = capabilities.text;
  if (part.type === 'html') return measure(part.html, unit) <= max;
  if (part.type === 'choices') return measure(part.text, unit) <= max && optionsFit(part, capabilities);
  return part.type !== 'card' || measure(part.text ?? '', unit) <= max;
}

function optionsFit({ options }: ChoicesPart, { choices, text }: Capabilities): boolean {
  const { maxOptions = Infinity, maxLabel = Infinity } = choices;
  return options.length <= maxOptions && options.every(({ label }) => measure(label, text.unit) <= maxLabel);
}

function fallback(placed: Placed<Levelled>, capabilities: Capabilities, options: FitOptions): Piece[] {
  const { part, at } = placed;
  if (part.type === 'choices') return numbered(part, capabilities);
  if (part.type === 'html' && part.text.trim() === '')
    throw refuse(placed, 'the channel takes no HTML and it has no text');
  if (part.type === 'card' && part.media) {
    const { media, ...rest } = part;
    const shown = fitMedia({ part: media, at: `${at}.media` }, capabilities, options);
    return [...shown, ...textPieces(renderText([rest], options.locale), capabilities)];
  }
  return textPieces(renderText([part], options.locale), capabilities);
}

/** The map sits on the last piece: what the customer read when they answer. */
function numbered(part: ChoicesPart, capabilities: Capabilities): Piece[] {
  const pieces = textPieces(numberedChoices(part), capabilities);
  return pieces.map((piece, i) => (i === pieces.length - 1 ? { ...piece, choiceMap: part.options } : piece));
}
