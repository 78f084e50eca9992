const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

const SENTENCE_END = new Set('.!?…。！？；｡');
const CLOSING = new Set(`)]}"'»’”」』）】》〉，、。！？；：｡,.;:!?…`);

/**
 * Where to cut `text`, given that the piece from `start` may reach as far as `end` (a position between two code points): after a
 * paragraph, a line or a sentence if one ends in the last third of the piece, else after a word anywhere in it, else between two
 * graphemes, else (a grapheme longer than the piece) at `end`.
 */
export function breakPoint(text: string, start: number, end: number): number {
  const floor = end - Math.floor((end - start) / 3);
  const tail = text.slice(floor, end + 1);
  const paragraph = tail.lastIndexOf('\n\n');
  const line = tail.lastIndexOf('\n');
  const cut =
    (paragraph >= 0 && floor + paragraph) ||
    (line >= 0 && floor + line) ||
    last(text, { from: end, to: floor, fits: endsSentence }) ||
    last(text, { from: end, to: start + 1, fits: endsWord }) ||
    end;
  return graphemeFloor(text, start, cut) ?? graphemeFloor(text, start, end) ?? end;
}

type Fits = (text: string, at: number) => boolean;

function last(text: string, { from, to, fits }: { from: number; to: number; fits: Fits }): number | undefined {
  for (let at = from; at >= to; at -= 1) if (fits(text, at)) return at;
  return undefined;
}

/** After 。！？ and their kin, closing quotes and brackets included; after . ! ? only where a space follows. */
function endsSentence(text: string, at: number): boolean {
  const next = text.charAt(at);
  if (CLOSING.has(next)) return false;
  let end = at - 1;
  while (end > at - 4 && CLOSING.has(text.charAt(end)) && !SENTENCE_END.has(text.charAt(end))) end -= 1;
  return SENTENCE_END.has(text.charAt(end)) && (text.charCodeAt(end) > 0xff || isSpace(next));
}

/** At a space; and beside an ideograph or kana, whose scripts write no spaces, but never before closing punctuation. */
function endsWord(text: string, at: number): boolean {
  if (isSpace(text.charAt(at)) || isSpace(text.charAt(at - 1))) return true;
  return (isEastAsian(text.charCodeAt(at - 1)) || isEastAsian(text.charCodeAt(at))) && !CLOSING.has(text.charAt(at));
}

function isSpace(char: string): boolean {
  return char !== '' && char.trim() === '';
}

/** CJK punctuation, kana, ideographs, full-width forms. */
function isEastAsian(unit: number): boolean {
  return (unit >= 0x2e80 && unit <= 0x9fff) || (unit >= 0xf900 && unit <= 0xfaff) || (unit >= 0xff00 && unit <= 0xffef);
}

/** The last grapheme boundary at or before `cut` and after `start`, if there is one. */
function graphemeFloor(text: string, start: number, cut: number): number | undefined {
  if (cut <= start) return undefined;
  if (isPlain(text.charCodeAt(cut - 1)) && isPlain(text.charCodeAt(cut))) return cut;
  // Whether a grapheme ends at `cut` hangs on what is before it and on the one code point after it.
  const around = graphemes.segment(text.slice(start, cut + 2)).containing(cut - start);
  return around && around.index > 0 ? start + around.index : undefined;
}

/** Below the first combining mark, or an ideograph: such neighbours are never one grapheme (text has no CR LF). */
function isPlain(unit: number): boolean {
  return (unit < 0x300 && unit !== 0x0d && unit !== 0x0a) || (unit >= 0x4e00 && unit <= 0x9fff);
}
