/**
 * A text without what systems put in front of an agent who clicks on "Reply" or "Quote": lines that begin with `>`, and a line right above them that says who wrote them, as far as
 * `isHeading` knows it. Of a text that is nothing but quotes nothing is left.
 */
export function withoutQuotes(text: string, isHeading: (line: string) => boolean): string {
  const lines = text.replace(/\r\n/g, '\n').split('\n');
  const isQuote = (line = '') => /^\s*>/.test(line);
  return lines
    .filter((line, n) => !isQuote(line) && !(isQuote(lines[n + 1]) && isHeading(line)))
    .join('\n')
    .trim();
}
