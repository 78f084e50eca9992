import { htmlText } from '../../tickets/index.js';
import type { SeenEntry, SeenTicket } from './subject.js';

/** What people read in an entry. */
export function seenText({ text, isHtml }: Pick<SeenEntry, 'text' | 'isHtml'>): string {
  return isHtml ? htmlText(text) : text;
}

/** Tickets as data to compare. */
export function seen(tickets: readonly SeenTicket[]): unknown {
  return tickets.map(({ externalId, status, entries }) => ({
    externalId,
    status,
    entries: entries.map((entry) => ({
      text: seenText(entry).trim(),
      isPublic: entry.isPublic,
      files: entry.files.map(({ name, content }) => [name, content.toString()]),
    })),
  }));
}
