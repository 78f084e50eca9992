import type { Readable } from 'node:stream';
import type { Sql } from '#database';
import type { Message } from '#normalizer';
import { FileMissing } from '../media/index.js';
import { presentEvent, presentMessage, type EventRow } from '../present.js';
import { listAudit } from './audit.js';
import * as sql from './export.sql.js';

export interface ExportParts {
  readonly sql: Sql;
  /** `inline`: the contents in base64; `links`: signed addresses, which end. */
  readonly files: 'inline' | 'links';
  readonly signUrl: (fileId: string) => string;
  readonly open: (fileId: string) => Promise<Readable>;
}

/** The form of the document; it grows, and changes its number where it does otherwise. */
export const EXPORT_FORMAT = 'tributary-contact-export/1';

/** Characters that are handed on at once, at least. */
const PIECE = 65_536;
const PAGE = { conversations: 50, messages: 100, events: 200, audit: 500 } as const;

/** The ids of a contact and of whoever was merged into it; null where there is no such contact. */
export async function peopleOf(db: Sql, contactId: string): Promise<readonly string[] | null> {
  const [row] = await db.query<{ ids: string[] }>(sql.PEOPLE, [contactId]);
  return row?.ids ?? null;
}

/**
 * Everything of a contact as the text of one JSON document (the schema `ContactExport`), piece by piece: what is in memory is a page of each list, and a piece of
 * one file. Read page by page, without a transaction: what changes meanwhile may be in it or not.
 */
export async function* exportContact(
  contactId: string,
  people: readonly string[],
  parts: ExportParts,
): AsyncGenerator<string> {
  let held = '';
  for await (const piece of pieces(contactId, people, parts)) {
    held += piece;
    if (held.length < PIECE) continue;
    yield held;
    held = '';
  }
  yield held;
}

async function* pieces(contactId: string, people: readonly string[], parts: ExportParts): AsyncGenerator<string> {
  const walk = new Walk(people, parts);
  const contacts = await parts.sql.query<{ item: unknown }>(sql.CONTACTS, [contactId, people]);
  yield `{"format":${json(EXPORT_FORMAT)},"exportedAt":${json(new Date().toISOString())},"contact":${json(contacts[0]!.item)}`;
  yield `,"mergedContacts":${json(contacts.slice(1).map(({ item }) => item))}`;
  for (const [name, text] of WHOLE) yield `,${json(name)}:${json(await walk.all(text))}`;
  yield ',"conversations":';
  yield* list(walk.conversations());
  yield ',"elsewhere":';
  yield* list(
    walk.messages(
      (after) => [sql.ELSEWHERE, [people, after, PAGE.messages]],
      ({ id }) => id,
      '',
    ),
  );
  yield ',"uploads":';
  yield* list(walk.files(await parts.sql.query<FileRow>(sql.UPLOADS, [people])));
  yield ',"events":';
  yield* list(walk.events());
  yield ',"audit":';
  yield* list(walk.audit(contactId));
  yield '}\n';
}

/** Lists that are short for any person. */
const WHOLE = [
  ['handles', sql.HANDLES],
  ['handleChanges', sql.HANDLE_CHANGES],
  ['merges', sql.MERGES],
  ['conflicts', sql.CONFLICTS],
  ['threads', sql.THREADS],
  ['introductions', sql.INTRODUCTIONS],
  ['parked', sql.PARKED],
  ['imports', sql.IMPORTS],
  ['codes', sql.CODES],
] as const;

interface MessageRow extends Record<string, unknown> {
  readonly id: string;
  readonly sequence: number;
  readonly message: Message;
  readonly more: Record<string, unknown>;
}

interface FileRow extends Record<string, unknown> {
  readonly messageId: string | null;
  readonly id: string;
  readonly state: string;
  readonly item: Record<string, unknown>;
}

type Pieces = AsyncGenerator<string>;
type Query = readonly [text: Parameters<Sql['query']>[0], values: readonly unknown[]];

class Walk {
  constructor(
    private readonly people: readonly string[],
    private readonly parts: ExportParts,
  ) {}

  async all(text: string): Promise<unknown[]> {
    return (await this.parts.sql.query<{ item: unknown }>(text, [this.people])).map(({ item }) => item);
  }

  /** Every item in as many pieces as it takes. */
  async *conversations(): AsyncGenerator<Pieces> {
    for await (const { id, item } of this.conversationRows()) yield this.conversation(id, item);
  }

  /** Pages of messages, each after the place of the last one before. */
  async *messages<P>(query: (after: P) => Query, place: (row: MessageRow) => P, from: P): AsyncGenerator<Pieces> {
    for (let after = from; ;) {
      const rows = await this.parts.sql.query<MessageRow>(...query(after));
      if (rows.length === 0) return;
      const files = await this.parts.sql.query<FileRow>(sql.FILES, [rows.map(({ id }) => id)]);
      for (const row of rows) {
        const own = files.filter(({ messageId }) => messageId === row.id);
        yield this.message(row, own);
      }
      after = place(rows.at(-1)!);
    }
  }

  async *files(rows: readonly FileRow[]): AsyncGenerator<Pieces> {
    for (const row of rows) yield this.file(row);
  }

  async *events(): AsyncGenerator<Pieces> {
    for await (const { id } of this.conversationRows())
      yield* this.eventPages((after) => [sql.EVENTS, [id, after, PAGE.events]]);
    yield* this.eventPages((after) => [sql.CONTACT_EVENTS, [this.people, after, PAGE.events]]);
  }

  async *audit(contactId: string): AsyncGenerator<Pieces> {
    for (let after = 0; ;) {
      const entries = await listAudit(this.parts.sql, { contactId, after, limit: PAGE.audit });
      for (const entry of entries) yield whole(entry);
      if (entries.length < PAGE.audit) return;
      after = entries.at(-1)!.link;
    }
  }

  private async *conversationRows(): AsyncGenerator<{ id: string; item: object }> {
    for (let after = ''; ;) {
      const values = [this.people, after, PAGE.conversations];
      const rows = await this.parts.sql.query<{ id: string; item: object }>(sql.CONVERSATIONS, values);
      yield* rows;
      if (rows.length < PAGE.conversations) return;
      after = rows.at(-1)!.id;
    }
  }

  private async *conversation(id: string, item: object): Pieces {
    yield `${json(item).slice(0, -1)},"messages":`;
    yield* list(
      this.messages(
        (after) => [sql.MESSAGES, [id, after, PAGE.messages]],
        ({ sequence }) => sequence,
        0,
      ),
    );
    yield '}';
  }

  private async *message({ message, more }: MessageRow, files: readonly FileRow[]): Pieces {
    yield `${json({ ...presentMessage(message, this.parts), ...more }).slice(0, -1)},"files":`;
    yield* list(this.files(files));
    yield '}';
  }

  private async *file({ id, state, item }: FileRow): Pieces {
    if (state !== 'ready') return yield json(item);
    if (this.parts.files === 'links') return yield json({ ...item, url: this.parts.signUrl(id) });
    const stream = await this.parts.open(id).catch((error: unknown) => {
      if (error instanceof FileMissing) return null;
      throw error;
    });
    if (!stream) return yield json({ ...item, state: 'unavailable', reason: 'the bytes are lost' });
    yield `${json(item).slice(0, -1)},"content":"`;
    yield* base64(stream);
    yield '"}';
  }

  private async *eventPages(query: (after: number) => Query): AsyncGenerator<Pieces> {
    for (let after = 0; ;) {
      const rows = await this.parts.sql.query<EventRow & { place: number } & Record<string, unknown>>(...query(after));
      if (rows.length === 0) return;
      const deliveries = await this.parts.sql.query<{ item: { eventId: string } }>(sql.DELIVERIES, [
        rows.map(({ id }) => id),
      ]);
      for (const row of rows) {
        const own = deliveries.filter(({ item }) => item.eventId === row.id).map(({ item }) => item);
        yield whole({ ...presentEvent(row, this.parts), deliveries: own });
      }
      after = Number(rows.at(-1)!.place);
    }
  }
}

function json(value: unknown): string {
  return JSON.stringify(value);
}

async function* whole(value: unknown): Pieces {
  yield json(value);
}

async function* list(items: AsyncIterable<Pieces>): Pieces {
  let between = '[';
  for await (const item of items) {
    yield between;
    yield* item;
    between = ',';
  }
  yield between === '[' ? '[]' : ']';
}

/** Base64 of a stream in pieces: only the last one may end in the middle of a group of three bytes. */
async function* base64(stream: Readable): Pieces {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    const end = bytes.length - (bytes.length % 3);
    yield bytes.toString('base64', 0, end);
    rest = bytes.subarray(end);
  }
  yield rest.toString('base64');
}
