const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ', hellip: '…', ndash: '–', mdash: '—' }; // prettier-ignore
const BREAKS = /<(?:br|hr)\b[^<>]*>|<\/(?:p|div|li|tr|h[1-6]|blockquote|pre|table|ul|ol)\s*>/gi;

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
  const said = html
    .replace(/<!--[^]*?(?:-->|$)/g, '')
    .replace(/<(script|style|head|title)\b[^]*?(?:<\/\1\s*>|$)/gi, '')
    .replace(/\s+/g, ' ')
    .replace(
      /<a\b[^<>]{0,1000}?\bhref\s*=\s*["'](https?:[^"'<>]{0,4000})["'][^<>]{0,1000}>(.{0,2000}?)<\/a\s*>/gi,
      (_, url: string, words: string) => (bare(words) === url || bare(words) === '' ? url : `${words} (${url})`),
    )
    .replace(/<li\b[^<>]*>/gi, '- ')
    .replace(BREAKS, '\n')
    .replace(/<[^<>]*>/g, '');
  return decode(said)
    .split('\n')
    .map((line) => line.trim())
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

function bare(html: string): string {
  return decode(html.replace(/<[^<>]*>/g, '')).trim();
}

function decode(text: string): string {
  return text.replace(/&(#\d{1,7}|#x[\da-f]{1,6}|\w{2,8});/gi, (whole, name: string) => {
    if (!name.startsWith('#')) return ENTITIES[name.toLowerCase()] ?? whole;
    const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) ? String.fromCodePoint(code) : '';
  });
}
