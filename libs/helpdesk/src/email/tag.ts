/** Tags by which ticket systems know their tickets in a subject: [example.com #123], [#123], [Ticket#2026112212345], (Ref:123), (ABC-123), [ABC-123]. */
const TAGS = [
  /\[[^\][]{0,100}#\s?[A-Z0-9-]{1,30}[^\][]{0,40}\]/i,
  /\((?:ref|case|ticket|id)\s?[:#]?\s?[\w.-]{1,40}\)/i,
  /[([][A-Z][A-Z0-9]{1,15}-\d{1,10}[)\]]/,
];

/** What the ticket system put into a subject of ours to know the ticket by; null where it put nothing. */
export function tagIn(subject: string, ours: string): string | null {
  for (const form of TAGS) {
    const [found] = form.exec(subject) ?? [];
    if (found !== undefined && !ours.includes(found)) return found;
  }
  return null;
}
