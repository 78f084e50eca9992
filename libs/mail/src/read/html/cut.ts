import { keptLines, type CutContext } from '../quotes/cut.js';
import { MOST_LINES, tidy, type Cut } from '../quotes/plain.js';
import { linesOf, PICTURE } from './lines.js';
import { safeHtml, type SafeHtml } from './safe.js';
import { parseHtml } from './tree.js';

export interface HtmlCut extends Cut, SafeHtml {}

/** Parts html into what was newly written, as text and as safe html, and what was not. */
export function cutHtml(html: string, context: CutContext): HtmlCut {
  const { root, whole } = parseHtml(html);
  const { lines, lineOf } = linesOf(root);
  const kept = lines.length > MOST_LINES ? lines.map(() => true) : keptLines(lines, context);
  const safe = safeHtml(root, (node) => kept[lineOf.get(node) ?? -1] === false);
  const text = (keep: boolean) =>
    tidy(lines.filter((_, i) => kept[i] === keep).map((line) => line.text.replaceAll(PICTURE, '').trim()));
  return { text: text(true), quoted: text(false), html: safe.html, changed: safe.changed || !whole };
}
