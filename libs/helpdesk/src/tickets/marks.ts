import { escapeHtml } from './html.js';
import { conversationOf, type Entry } from './system.js';

/** The html of an entry with its ids in a comment, which people do not see: for systems that keep html as it is. */
export function markedHtml({ html, ids }: Pick<Entry, 'html' | 'ids'>): string {
  return `${html}\n<!-- ${escapeHtml(ids.join(' '))} -->`;
}

/** The text of an entry with its ids in a last line, which people see: for systems that keep nothing else. */
export function markedText({ text, ids }: Pick<Entry, 'text' | 'ids'>): string {
  return `${text}\n\n[${ids.join(' ')}]`;
}

/**
 * Does a text end with a line that is ids of ours, where `markedText` puts them? Then we wrote it, whoever else uses our account. In a quote of what we wrote a sign stands before
 * them.
 */
export function endsMarked(text: string | null | undefined): boolean {
  return /(?:^|\n)\[(?:evt|cnv)_[^\][]*\]\s*$/.test(text ?? '');
}

/** A text without ids of ours in brackets, wherever they stand: an agent who quotes an entry quotes them as well, and they are nothing to customers. */
export function withoutMarks(text: string): string {
  return text.replace(/(?:^[ \t>]*)?\\?\[(?=[^\][]*\d)(?:evt|cnv)_[\w.+-]+(?: (?:evt|cnv)_[\w.+-]+)*\\?\]/gm, '');
}

/** Those of the ids that stand in one of these texts, as whole words. */
export function marksIn(texts: Iterable<string>, ids: readonly string[]): string[] {
  const words = new Set<string>();
  for (const text of texts) for (const [word] of text.matchAll(/[\w.+-]+/g)) words.add(word);
  return ids.filter((id) => words.has(id));
}

/**
 * The external id that stands first in the last line of a text, where `markedText` put it; null where none of ours does. What customers write stands before
 * that line: naming another's conversation there does not bring them into its ticket.
 */
export function markedId(text: string | null | undefined): string | null {
  const [id = ''] = /\[([^\][\\]+)\\?\]\s*$/.exec(text ?? '')?.[1]?.split(' ') ?? [];
  return conversationOf(id) === null ? null : id;
}
