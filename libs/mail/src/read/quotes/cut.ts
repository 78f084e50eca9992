import {
  attribution,
  beginsAttribution,
  headerField,
  type HeaderKey,
  isCaption,
  isDelimiter,
  isDeviceLine,
  isDisclaimer,
  isForwardLine,
  isHistoryLine,
  isRule,
  MOST_MARKER,
} from './markers.js';

/** A line of a mail, plain or of its html. */
export interface Line {
  /** Without the signs of quoting. */
  readonly text: string;
  /** How deep it is quoted: `>` signs, or the quoting elements around it. */
  readonly depth: number;
  /** The program that wrote the mail says that this is a quote: more than a `>` that anybody may type. */
  readonly cited?: boolean;
  /** It stands in what the program marked as a signature. */
  readonly signature?: boolean;
}

/** What the rest of the mail says of its text. */
export interface CutContext {
  /** It answers another mail (In-Reply-To, References, or its subject). */
  readonly answers: boolean;
  /** It forwards another one, by its subject: what follows its words is content. */
  readonly forwards: boolean;
  /** It carries files: it says something even without words. */
  readonly files: boolean;
}

/** Where other people's words begin, and how they go on. */
interface Boundary {
  readonly at: number;
  /** `rest`: until the end; `quotes`: as far as lines are quoted, from `from` on; `forward`: it is content. */
  readonly kind: 'rest' | 'quotes' | 'forward';
  readonly from: number;
}

/** Most lines of a block of headers, of an attribution, and of a signature. */
const BLOCK_LINES = 12;
const ATTRIBUTION_LINES = 4;
const SIGNATURE_LINES = 25;

/**
 * Which lines the person newly wrote: the history that programs append, and signatures, are not. What is answered line by line is kept
 * whole, with what it answers; so is forwarded mail, and mail of which nothing else would be left. Linear in the number of lines.
 */
export function keptLines(lines: readonly Line[], context: CutContext): boolean[] {
  const kept = lines.map(({ signature }) => !signature);
  const boundary = findBoundary(lines, 0, context);
  const end = boundary?.at ?? lines.length;
  dropSignature(lines, kept, end);
  if (boundary?.kind === 'rest') kept.fill(false, boundary.at);
  if (boundary?.kind === 'quotes') dropQuotes(lines, kept, boundary);
  dropEdges(lines, kept);
  const says = lines.some(({ text }, i) => kept[i] && !isRule(text));
  return says || context.files ? kept : lines.map(() => true);
}

function findBoundary(lines: readonly Line[], start: number, context: CutContext): Boundary | undefined {
  let typed: Boundary | undefined;
  for (let i = start; i < lines.length; i += 1) {
    const found = boundaryAt(lines, i, context);
    if (!found) continue;
    if (context.forwards) return { ...found, kind: 'forward' };
    if (found.kind !== 'quotes' || lines[found.at]!.depth === 0 || lines[i]!.cited) return found;
    // Signs that somebody may have typed: what a program wrote says more.
    typed ??= found;
  }
  return typed;
}

function boundaryAt(lines: readonly Line[], i: number, context: CutContext): Boundary | undefined {
  const { text, depth } = lines[i]!;
  if (text === '') return undefined;
  if (depth > 0) return quoteAt(lines, i, context);
  if (isForwardLine(text)) return { at: i, kind: 'forward', from: i };
  if (isHistoryLine(text)) return { at: i, kind: 'rest', from: i };
  if (isHeaderBlock(lines, i)) return { at: upOverCaptions(lines, i), kind: 'rest', from: i };
  return attributionAt(lines, i);
}

/** A run of quoted lines that nobody introduced: one `>` is typed easily, and outside of an answer so are several. */
function quoteAt(lines: readonly Line[], i: number, { answers }: CutContext): Boundary | undefined {
  const { text, cited } = lines[i]!;
  if (isForwardLine(text)) return { at: i, kind: 'forward', from: i };
  if (cited) return { at: i, kind: 'quotes', from: i };
  const again = (lines[i + 1]?.depth ?? 0) > 0 || (i > 0 && lines[i - 1]!.depth > 0);
  return answers && again ? { at: i, kind: 'quotes', from: i } : undefined;
}

/** An attribution that begins on line `i`: of several lines, those above it are not part of it that would be none with it gone. */
function attributionAt(lines: readonly Line[], i: number): Boundary | undefined {
  let joined = '';
  for (let n = i; n < Math.min(i + ATTRIBUTION_LINES, lines.length); n += 1) {
    const { text, depth } = lines[n]!;
    if (text === '' || depth > 0) return undefined;
    joined = joined === '' ? text : `${joined} ${text}`;
    if (joined.length > MOST_MARKER) return undefined;
    const found = attribution(joined);
    if (!found || (n > i && beginsBelow(lines, i, n))) continue;
    const next = nextText(lines, n + 1);
    if (next !== undefined && lines[next]!.depth > 0) return { at: i, kind: 'quotes', from: next };
    if (found === 'certain' && next !== undefined) return { at: i, kind: 'rest', from: i };
  }
  return undefined;
}

/** Does the attribution that ends on line `end` begin below line `i`? */
function beginsBelow(lines: readonly Line[], i: number, end: number): boolean {
  let joined = '';
  for (let n = end; n > i; n -= 1) {
    joined = joined === '' ? lines[n]!.text : `${lines[n]!.text} ${joined}`;
    if (attribution(joined) && (beginsAttribution(lines[n]!.text) || !beginsAttribution(lines[i]!.text))) return true;
  }
  return false;
}

/** Headers as programs put them above of what they quote: who, about what, and when or to whom. Lists of people's own have no subject. */
function isHeaderBlock(lines: readonly Line[], start: number): boolean {
  if (!headerField(lines[start]!.text)) return false;
  const found = new Map<HeaderKey, string>();
  let [gaps, others] = [0, 0];
  for (let i = start; i < Math.min(start + BLOCK_LINES, lines.length) && gaps < 2 && others < 2; i += 1) {
    const { text } = lines[i]!;
    const field = headerField(text);
    if (field && found.has(field[0])) break;
    if (field) found.set(...field);
    gaps = text === '' ? gaps + 1 : 0;
    others += field || text === '' ? 0 : 1;
  }
  const from = found.get('from');
  if (from === undefined || !found.has('subject')) return false;
  const sent = found.get('sent') ?? '';
  if (found.has('to') && /\b\d{4}\b/.test(sent)) return true;
  const dated = /\d/.test(sent) && /\d{1,2}\s?[:.：时時点]\s?\d{2}/.test(sent);
  return dated || (/\S@\S/.test(from) && (found.has('to') || sent !== ''));
}

function upOverCaptions(lines: readonly Line[], i: number): number {
  let at = i;
  while (at > 0 && lines[at - 1]!.depth === 0 && isCaption(lines[at - 1]!.text)) at -= 1;
  return at;
}

/** What stands below of a quote decides: nothing, an answer to all of it, or answers in between, which need what they answer. */
function dropQuotes(lines: readonly Line[], kept: boolean[], { at, from }: Boundary): void {
  const end = tailStart(lines, from, lines.length);
  let answer: number | undefined;
  let close = end;
  let quotedAgain = false;
  for (let i = from; i < end; i += 1) {
    const { text, depth, signature } = lines[i]!;
    if (depth > 0) quotedAgain ||= answer !== undefined;
    if (depth > 0 || signature || isRule(text)) continue;
    if (answer === undefined && (isHistoryLine(text) || isHeaderBlock(lines, i) || attributionAt(lines, i)?.kind === 'rest')) {
      close = i;
      break;
    }
    answer ??= attributionAt(lines, i) ? undefined : i;
  } // prettier-ignore
  const above = lines.some(({ text }, i) => i < at && kept[i] && !isRule(text));
  if (answer !== undefined && (above || quotedAgain)) {
    kept.fill(true, at, end);
    kept.fill(false, end);
    return;
  }
  kept.fill(false, at, answer ?? close);
  kept.fill(false, Math.min(close, end));
}

/** Takes signatures away that end at `end`. */
function dropSignature(lines: readonly Line[], kept: boolean[], end: number): void {
  kept.fill(false, tailStart(lines, 0, end), end);
}

/** Where the signature begins of what stands in [start, end): a delimiter, the name of a device, a disclaimer. `end` where there is none. */
function tailStart(lines: readonly Line[], start: number, end: number): number {
  let tail = end;
  for (let i = Math.max(start, end - 400); i < end; i += 1) {
    const { text, depth } = lines[i]!;
    if (depth > 0 || text === '') continue;
    const rest = restOf(lines, i, end);
    if (rest.quoted) continue;
    const delimits = isDelimiter(text) && rest.lines <= SIGNATURE_LINES;
    if (delimits || (isDeviceLine(text) && rest.lines <= 3) || isDisclaimer(text)) {
      tail = i;
      break;
    }
  }
  return tail;
}

/** What follows a line until `end`: lines that are not empty, and whether any is quoted. */
function restOf(lines: readonly Line[], i: number, end: number): { readonly lines: number; readonly quoted: boolean } {
  let count = 0;
  for (let n = i + 1; n < end && count <= SIGNATURE_LINES * 4; n += 1) {
    if (lines[n]!.depth > 0) return { lines: count, quoted: true };
    if (lines[n]!.text !== '') count += 1;
  }
  return { lines: count, quoted: false };
}

/** Empty and drawn lines go with what was taken away beside them. */
function dropEdges(lines: readonly Line[], kept: boolean[]): void {
  let gone = false;
  for (let i = lines.length - 1; i >= 0; i -= 1) {
    if (!kept[i]) gone ||= lines[i]!.text !== '';
    else if (gone && isRule(lines[i]!.text)) kept[i] = false;
    else gone = false;
  }
}

function nextText(lines: readonly Line[], start: number): number | undefined {
  for (let i = start; i < Math.min(start + 6, lines.length); i += 1) if (lines[i]!.text !== '') return i;
  return undefined;
}
