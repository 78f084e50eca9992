import {
  countSegments,
  measure,
  ProviderFailure,
  renderText,
  splitText,
  type FittedUnit,
  type Part,
  type SegmentCount,
} from '#normalizer';
import type { Capabilities } from './capabilities.js';
import { fitPart } from './fit-part.js';
import type { FitOptions, Piece } from './fit-piece.js';
import { templateText } from './fit-template.js';

export type { FitOptions } from './fit-piece.js';

/** What is to be sent. `replyTo` is the provider's id of the message that is answered. */
export interface FitMessage {
  readonly parts: readonly Part[];
  readonly subject?: string;
  readonly replyTo?: string;
}

/**
 * Makes the provider messages of one message, in order: the only place that splits, falls back to text or refuses. Pure.
 *
 * Every part becomes what the channel's levels say (`fitPart`). Where a provider message holds one part (`maxParts` 1), neighbouring
 * texts become one as long as that stays within `text.max`, and a longer text is split on its own; where it holds several, parts stay as
 * they are and share a unit until `maxParts` or `text.max` is reached. Order is kept. A reply quotes in its first unit only,
 * unless every one has to (`replyTo: 'always'`).
 *
 * Throws `ProviderFailure('content-refused')` that names the part and the limit: a part whose level is `refused`, a file nobody can
 * fetch, more than `text.maxUnits` units, nothing left to send.
 */
export function fit(message: FitMessage, capabilities: Capabilities, options: FitOptions = {}): FittedUnit[] {
  const pieces = message.parts.flatMap((part, i) => fitPart({ part, at: `parts.${i}` }, capabilities, options));
  const groups = capabilities.maxParts === 1 ? mergeTexts(pieces, capabilities) : group(pieces, capabilities);
  checkCount(groups.length, capabilities.text.maxUnits);
  return groups.map((inUnit, index) => {
    const parts = inUnit.map(({ part }) => part);
    const choiceMap = inUnit.find((piece) => piece.choiceMap)?.choiceMap;
    const segments = segmentsOf(parts, capabilities);
    return {
      index,
      count: groups.length,
      parts,
      text: textOf(parts, capabilities, options.locale),
      ...(message.subject !== undefined && { subject: message.subject }),
      ...(message.replyTo !== undefined && quotes(index, capabilities) && { replyTo: message.replyTo }),
      ...(choiceMap && { choiceMap }),
      ...(segments && { segments }),
    };
  });
}

function quotes(index: number, { replyTo }: Capabilities): boolean {
  return replyTo === 'always' || (replyTo === 'full' && index === 0);
}

function checkCount(units: number, most: number): void {
  if (units === 0) throw new ProviderFailure('content-refused', 'nothing of this message can be sent on this channel');
  if (units <= most) return;
  throw new ProviderFailure(
    'content-refused',
    `the message needs ${units} provider messages; at most ${most} are sent`,
  );
}

/** One unit a piece, but texts side by side in one where they fit. Two numbered lists never share a unit. */
function mergeTexts(pieces: readonly Piece[], { text: { max, unit } }: Capabilities): Piece[][] {
  const merged: Piece[] = [];
  for (const piece of pieces) {
    const before = merged.at(-1);
    const joined = before && joinTexts(before, piece);
    if (joined && measure(joined.part.text, unit) <= max) merged[merged.length - 1] = joined;
    else merged.push(piece);
  }
  return merged.map((piece) => [piece]);
}

function joinTexts(
  a: Piece,
  b: Piece,
): { part: Extract<Part, { type: 'text' }>; choiceMap?: Piece['choiceMap'] } | null {
  if (a.part.type !== 'text' || b.part.type !== 'text' || (a.choiceMap && b.choiceMap)) return null;
  if (a.part.format ?? b.part.format) return null;
  const choiceMap = a.choiceMap ?? b.choiceMap;
  return { part: { type: 'text', text: `${a.part.text}\n${b.part.text}` }, ...(choiceMap && { choiceMap }) };
}

function group(pieces: readonly Piece[], { maxParts, text: { max, unit } }: Capabilities): Piece[][] {
  const groups: Piece[][] = [];
  for (const piece of pieces) {
    const open = groups.at(-1);
    const together = open && renderText([...open, piece].map(({ part }) => part));
    const fits = open && open.length < maxParts && measure(together ?? '', unit) <= max;
    if (fits && !(piece.choiceMap && open.some((other) => other.choiceMap))) open.push(piece);
    else groups.push([piece]);
  }
  return groups;
}

/** The plain rendering, cut to the limit: only that of a part which travels natively (a file with a long name) can be longer. */
function textOf(parts: readonly Part[], capabilities: Capabilities, locale?: string): string {
  const { max, unit } = capabilities.text;
  const read = parts.map((part): Part => {
    const wording = part.type === 'template' ? templateText(part, capabilities) : undefined;
    return wording ? { type: 'text', text: wording } : part;
  });
  const text = renderText(read, locale);
  return measure(text, unit) <= max ? text : (splitText(text, max, unit)[0] ?? '');
}

/** What the carrier bills for a text or a template whose wording is known; undefined for all else, and where nothing travels as SMS. */
function segmentsOf([part, ...others]: readonly Part[], capabilities: Capabilities): SegmentCount | undefined {
  const { segments } = capabilities.text;
  if (!segments || !part || others.length > 0) return undefined;
  if (part.type === 'text') return countSegments(part.text, segments);
  const wording = part.type === 'template' ? templateText(part, capabilities) : undefined;
  return wording === undefined ? undefined : countSegments(wording, { ...segments, added: 0 });
}
