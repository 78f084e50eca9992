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

/**
 * A subject in which nothing is left by which a ticket system could know a ticket of its own: what a customer writes must not lead into the ticket of another.
 * Systems look for brackets with a number, Jira for a bare `ABC-123`, Salesforce for `ref:...:ref`.
 */
export function withoutTags(subject: string): string {
  return subject
    .replace(/[[\](){}<>#【】［］（）＃]+/g, ' ')
    .replace(/([\p{L}\p{N}_])[-‐‑–](?=\p{N})/gu, '$1 ')
    .replace(/\b(ref|ticket|case|id|issue|request)\s*[:：_]+/gi, '$1 ')
    .replace(/\s+/g, ' ')
    .trim();
}
