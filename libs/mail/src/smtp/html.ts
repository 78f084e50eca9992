import { ProviderFailure } from '#normalizer';
import { linesOf, PICTURE } from '../read/html/lines.js';
import { safeHtml } from '../read/html/safe.js';
import { isElement, parseHtml, type Element, type Node } from '../read/html/tree.js';

/**
 * HTML that shows nothing but text, tables, links and pictures: what mail that comes in is made safe by. Pictures of the web are shown,
 * of those of the mail itself (`cid:`) the ones in `shown`. Throws `content-refused` for what is nested too deeply to be written whole.
 */
export function sanitize(html: string, shown: ReadonlySet<string>): string {
  const { root, whole } = parseHtml(html);
  if (!whole) throw new ProviderFailure('content-refused', 'the html of the message is nested too deeply');
  const missing = (node: Node) => {
    const cid = isElement(node) ? cidOf(node) : undefined;
    return cid !== undefined && !shown.has(cid);
  };
  // Pictures of the web are held back from those who read mail here; whom we write to decides that by their own program.
  return safeHtml(root, missing).html.replaceAll('<img data-src="', '<img src="');
}

/** The text of a piece of HTML, blocks on lines of their own. */
export function textOf(html: string): string {
  const { lines } = linesOf(parseHtml(html).root);
  const texts = lines.map(({ text }) => text.replaceAll(PICTURE, '').trim());
  return texts.join('\n').replace(/\n{3,}/g, '\n\n').trim(); // prettier-ignore
}

/** Ids of the pictures that it shows from the mail itself. */
export function cidsIn(html: string): string[] {
  const found: string[] = [];
  const walk = (element: Element): void => {
    const cid = cidOf(element);
    if (cid !== undefined) found.push(cid);
    element.children.filter(isElement).forEach(walk);
  };
  walk(parseHtml(html).root);
  return found;
}

export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\0', '\uFFFD');
}

function cidOf({ tag, attributes }: Element): string | undefined {
  const [, cid] = (tag === 'img' && /^\s*cid:([^\s"'<>]{1,400})\s*$/i.exec(attributes['src'] ?? '')) || [];
  try {
    return cid === undefined ? undefined : decodeURIComponent(cid);
  } catch {
    return cid;
  }
}
