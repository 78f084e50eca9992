import { keptLines, type CutContext, type Line } from './cut.js';

/** Most lines that are looked at; a longer mail is kept whole. */
export const MOST_LINES = 20_000;
/** A quoted line this long was wrapped by a program that forgot the sign on what it wrapped. */
const WRAPPED = 65;

export interface Cut {
  /** What was newly written. */
  readonly text: string;
  /** What was taken away: history and signatures, as they stood. */
  readonly quoted: string;
}

/** Parts a plain text into what was newly written and what was not. */
export function cutPlain(text: string, context: CutContext): Cut {
  const raw = text.split(/\r\n|\r|\n/).map((line) => line.trimEnd());
  if (raw.length > MOST_LINES) return { text: tidy(raw), quoted: '' };
  const lines = raw.map(plainLine);
  mendWraps(lines);
  const kept = keptLines(lines, context);
  return { text: tidy(raw.filter((_, i) => kept[i])), quoted: tidy(raw.filter((_, i) => !kept[i])) };
}

/** Lines as a text: no blank ones at its ends, at most two between others. */
export function tidy(lines: readonly string[]): string {
  return lines
    .map((line) => (/\S/.test(line) ? line : ''))
    .join('\n')
    .replace(/\n{4,}/g, '\n\n\n')
    .replace(/^\n+|\n+$/g, '');
}

function plainLine(raw: string): Line {
  const [, signs = '', text = ''] = /^((?:>\s?)*)(.*)$/.exec(raw.slice(0, 4_000).replace(/^\s{1,3}(?=>)/, '')) ?? [];
  const depth = signs.replace(/\s/g, '').length;
  return { depth, text: depth > 0 ? text.trim() : raw.replace(/\u00a0/g, ' ').trim() };
}

/** A line without a sign between two quoted ones, directly below a long one, belongs to it. */
function mendWraps(lines: Line[]): void {
  for (let i = 1; i < lines.length - 1; i += 1) {
    const [before, line, after] = [lines[i - 1]!, lines[i]!, lines[i + 1]!];
    if (line.depth > 0 || line.text === '' || before.depth === 0 || after.depth === 0) continue;
    if (before.text.length >= WRAPPED && line.text.length < WRAPPED) lines[i] = { ...line, depth: before.depth };
  }
}
