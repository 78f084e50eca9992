import { breakPoint } from './break-point.js';
import { TextMeter, WIDEST, type TextUnit } from './text-unit.js';

/**
 * Splits a text into pieces of at most `max` units each, in order. A piece never ends inside a surrogate or escape pair, nor inside a
 * grapheme unless that alone exceeds `max`; where to cut best says `breakPoint`. Whitespace at a cut, on both sides of it, is left out:
 * apart from that the pieces together are the text, and no piece is empty. The text's own ends keep their whitespace as far as they are
 * no cut. Empty text gives no piece. Linear. Throws `RangeError` where `max` cannot hold every character.
 */
export function splitText(text: string, max: number, unit: TextUnit): string[] {
  if (max < WIDEST[unit]) throw new RangeError(`a piece must hold at least ${WIDEST[unit]} ${unit}`);
  const pieces: string[] = [];
  for (let start = 0; start < text.length;) {
    const end = reach(text, start, { max, unit });
    if (end === text.length) {
      pieces.push(text.slice(start));
      break;
    }
    const cut = breakPoint(text, start, end);
    const piece = text.slice(start, cut).trimEnd();
    if (piece) pieces.push(piece);
    start = skipSpace(text, cut);
  }
  return pieces;
}

/** The furthest position up to which the text from `start` is within `max`; between two code points. */
function reach(text: string, start: number, { max, unit }: { max: number; unit: TextUnit }): number {
  const meter = new TextMeter(unit);
  let end = start;
  while (end < text.length) {
    const codePoint = text.codePointAt(end) ?? 0;
    if (meter.add(codePoint) > max) break;
    end += codePoint > 0xffff ? 2 : 1;
  }
  return end;
}

/** Passes over whitespace, but not over a space that carries a combining mark: the two are one grapheme. */
function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && /\s/.test(text.charAt(at))) at += 1;
  return at > from && at < text.length && /[\p{M}\u200c\u200d]/u.test(text.charAt(at)) ? at - 1 : at;
}
