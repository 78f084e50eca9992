import { Parser } from 'htmlparser2';

const UNSEEN = new Set(['script', 'style', 'head', 'title', 'noscript', 'template']);
const BLOCKS = new Set([
  'p',
  'div',
  'li',
  'tr',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
  'blockquote',
  'pre',
  'table',
  'ul',
  'ol',
]);

/** Text as html that shows it letter by letter. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** Text as one paragraph, its line breaks kept. */
export function paragraph(text: string): string {
  return `<p>${escapeHtml(text).replace(/\r?\n/g, '<br>')}</p>`;
}

/** A link that opens, where the address is of the web; else its words alone. */
export function link(url: string, words: string): string {
  return /^https?:\/\//i.test(url) ? `<a href="${escapeHtml(url)}">${escapeHtml(words)}</a>` : escapeHtml(words);
}

/** What html says, as text: blocks on lines of their own, list items with a dash, links with their address. Linear. */
export function htmlText(html: string): string {
  const said: string[] = [];
  let unseen = 0;
  /** Links that are open, and since which piece. */
  const links: { readonly url: string; readonly from: number }[] = [];
  const parser = new Parser({
    onopentag(name, { href = '' }) {
      if (UNSEEN.has(name)) unseen += 1;
      else if (name === 'br' || name === 'hr') said.push('\n');
      else if (name === 'li') said.push('- ');
      else if (name === 'a') links.push({ url: /^https?:/i.test(href) ? href : '', from: said.length });
    },
    ontext(text) {
      if (unseen === 0) said.push(text.replace(/\s+/g, ' '));
    },
    onclosetag(name) {
      if (UNSEEN.has(name)) unseen -= 1;
      else if (BLOCKS.has(name)) said.push('\n');
      else if (name === 'a') said.push(address(links.pop(), said));
    },
  });
  parser.end(html);
  return said
    .join('')
    .split('\n')
    .map((line) => line.trim())
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

/** What is put behind the words of a link, where they do not say it. */
function address(link: { readonly url: string; readonly from: number } | undefined, said: readonly string[]): string {
  if (!link?.url) return '';
  const words = said.slice(link.from).join('').trim();
  if (words === link.url) return '';
  return words === '' ? link.url : ` (${link.url})`;
}
