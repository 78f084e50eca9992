/**
 * An address, or else a whole word, which is no address: each place of the text is looked at a bounded number of times, whatever the text. The part of an
 * email address before `@` has at most 64 characters (RFC 5321 section 4.5.3.1.1).
 */
const WORD = /(?:https?:\/\/|www\.)[^\s<>"'`，。；：！？、（）【】《》“”]+|\w[\w.+-]{0,63}@[\w-]+(?:\.[\w-]+)+|\w+/gi;
const ADDRESS = /^(?:(https?:\/\/|www\.).|\w[\w.+-]*@)/i;
/** At its end, these belong to the sentence. */
const AFTER = new Set('.,;:!?\'"]}');

export type Piece = { text: string; href: string | null };

/** Splits text into plain pieces and links (http, https, www and email addresses; nothing else ever becomes a link). */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let done = 0;
  for (const match of text.matchAll(WORD)) {
    const link = trimmed(match[0]);
    const address = ADDRESS.exec(link);
    if (!address) continue;
    const scheme = address[1] === undefined ? 'mailto:' : address[1].toLowerCase() === 'www.' ? 'https://' : '';
    if (match.index > done) found.push({ text: text.slice(done, match.index), href: null });
    found.push({ text: link, href: scheme + link });
    done = match.index + link.length;
  }
  if (done < text.length) found.push({ text: text.slice(done), href: null });
  return found;
}

/** A full stop or an unopened bracket at the end belongs to the sentence, not to the address. */
function trimmed(link: string): string {
  const open = link.includes('(');
  let end = link.length;
  while (end > 0 && (AFTER.has(link[end - 1]!) || (!open && link[end - 1] === ')'))) end -= 1;
  return link.slice(0, end);
}
