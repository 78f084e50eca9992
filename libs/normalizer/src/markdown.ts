import MarkdownIt, { type Token } from 'markdown-it';
import type { Part } from './parts.js';

/** Deeper, longer and with more cells of tables than anybody writes, in characters and signs: what goes beyond is no markdown but text, and costs no more than text. */
const MOST_NESTING = 50;
const MOST_CHARACTERS = 10_000;
const MOST_BARS = 2_000;
/** What an address must not hold when people read it: ends of lines, signs that cannot be seen, other directions of writing. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** HTML in it is text, and links lead to no script. References are off: one address that many links name would make the result many times as long. */
const markdown = new MarkdownIt({ html: false, linkify: false, breaks: true, maxNesting: MOST_NESTING }).disable(
  'reference',
);

/** Markdown (CommonMark with tables and strikethrough, a line end kept as one) as HTML that holds none of the writer's own. */
export function markdownToHtml(source: string): string {
  const tokens = tokensOf(source);
  if (tokens) return markdown.renderer.render(tokens, markdown.options, {});
  return `<p>${markdown.utils.escapeHtml(source).replaceAll('\n', '<br>\n')}</p>\n`;
}

/**
 * Markdown as people read it where nothing is rendered: `**x**` is x, `[x](url)` is x (url), lists, quotes and code keep their form. Never empty where the
 * source is not.
 */
export function markdownToText(source: string): string {
  const tokens = tokensOf(source);
  const text = tokens ? blocksText(tokens).trim() : '';
  return text === '' ? source : text;
}

/** A part as channels and pages have it that render no markdown. */
export function withoutMarkdown(part: Part): Part {
  return part.type === 'text' && part.format === 'markdown' ? { type: 'text', text: markdownToText(part.text) } : part;
}

/** Undefined where it is too long, or nested too deeply: the parser passes over what is deeper. */
function tokensOf(source: string): Token[] | undefined {
  if (source.length > MOST_CHARACTERS || source.split('|').length > MOST_BARS) return undefined;
  const tokens = markdown.parse(source, {});
  return tokens.some(({ level }) => level >= MOST_NESTING - 1) ? undefined : tokens;
}

/** A block that is open, with the texts of what it holds. */
interface Frame {
  readonly type: string;
  readonly texts: string[];
  /** Of an ordered list: the next number. */
  next: number | undefined;
}

function blocksText(tokens: readonly Token[]): string {
  const root: Frame = { type: 'root', texts: [], next: undefined };
  const open = [root];
  for (const token of tokens) {
    const frame = open.at(-1)!;
    if (token.nesting === 1) {
      const type = token.type.replace(/_open$/, '');
      const next = type === 'ordered_list' ? Number(token.attrGet('start') ?? 1) : undefined;
      open.push({ type, texts: [], next });
    } else if (token.nesting === -1 && open.length > 1) {
      open.pop();
      open.at(-1)!.texts.push(closed(frame, open.at(-1)!));
    } else frame.texts.push(leafText(token));
  }
  return closed(root, root);
}

/** Between what a block holds; two line ends where nothing is said. */
const BETWEEN: Readonly<Record<string, string>> = {
  ...{ list_item: '\n', bullet_list: '\n', ordered_list: '\n' },
  ...{ table: '\n', thead: '\n', tbody: '\n', tr: ' | ' },
};

function closed({ type, texts }: Frame, within: Frame): string {
  const text = texts.filter((one) => one !== '' || type === 'tr').join(BETWEEN[type] ?? '\n\n');
  if (type === 'blockquote') return indented(text, '> ', '> ');
  if (type !== 'list_item') return text;
  const marker = within.next === undefined ? '- ' : `${within.next}. `;
  if (within.next !== undefined) within.next += 1;
  return indented(text, marker, ' '.repeat(marker.length));
}

function indented(text: string, first: string, others: string): string {
  return text
    .split('\n')
    .map((line, i) => `${i === 0 ? first : others}${line}`.trimEnd())
    .join('\n');
}

function leafText(token: Token): string {
  if (token.type === 'hr') return '---';
  return token.type === 'inline' ? inlineText(token.children ?? []) : token.content.trimEnd();
}

function inlineText(tokens: readonly Token[]): string {
  let text = '';
  const links: { readonly at: number; readonly href: string }[] = [];
  for (const token of tokens) {
    if (token.type === 'link_open') links.push({ at: text.length, href: String(token.attrGet('href') ?? '') });
    else if (token.type === 'link_close') {
      const { at, href } = links.pop() ?? { at: 0, href: '' };
      text += address(text.slice(at), href);
    } else if (token.type === 'softbreak' || token.type === 'hardbreak') text += '\n';
    else if (token.type === 'image') text += token.content + address(token.content, String(token.attrGet('src') ?? ''));
    else text += token.content;
  }
  return text;
}

/** What follows a name that leads somewhere: nothing where the name says it. */
function address(name: string, href: string): string {
  const plain = readable(href);
  if (plain === '' || name === href || name === plain || `mailto:${name}` === plain) return '';
  return name === '' ? plain : ` (${plain})`;
}

/** An address as it was written: the parser escapes letters in it. Its own escapes stay where they hide what cannot be seen. */
function readable(href: string): string {
  try {
    const plain = decodeURI(href);
    return UNSEEN.test(plain) ? href : plain;
  } catch {
    return href;
  }
}
