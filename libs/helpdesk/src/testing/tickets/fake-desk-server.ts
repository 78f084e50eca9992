import type { RawRequest } from '#transport';
import { rawRequest, type FakeAnswer, type LoggedRequest } from '#transport/testing';
import type { TicketStatus } from '../../tickets/index.js';
import type { FakeTicketSystem, SeenEntry, SeenTicket, Writing } from './subject.js';

export const signedHeader = 'x-signature';

export interface Change {
  readonly n: number;
  readonly ticket: string;
  readonly external?: string | undefined;
  readonly by: string;
  readonly status?: TicketStatus | undefined;
  readonly entry?:
    | {
        text: string;
        public: boolean;
        author: string;
        marks?: string[];
        files: { id: string; name: string; type: string }[];
      }
    | undefined;
}

interface Kept {
  readonly id: string;
  readonly external: string;
  readonly subject: string;
  readonly fields: Record<string, string>;
  readonly marks: string[];
  readonly entries: SeenEntry[];
  status: TicketStatus;
  ended?: 'closed' | { into: string };
}

interface Made extends Pick<Kept, 'external' | 'subject' | 'fields'> {
  readonly entry: Sent;
}

interface Sent {
  readonly text: string;
  readonly public: boolean;
  readonly as: 'customer' | 'us';
  readonly marks: string[];
  readonly files: { name: string; type: string; content: string }[];
}

/** The fake desk: tickets, entries, a list of changes. */
export class FakeDesk implements FakeTicketSystem {
  private readonly kept = new Map<string, Kept>();
  private readonly changes: Change[] = [];
  private readonly files: { content: Buffer; type: string }[] = [];
  private readonly own: RawRequest[] = [];
  private count = 0;

  constructor(private readonly key: string) {}

  isWrite({ method }: LoggedRequest): boolean {
    return method !== 'GET';
  }

  respond({ method, path, query, headers, body }: LoggedRequest): FakeAnswer {
    if (headers.authorization !== this.key) return { status: 401 };
    const [, room, id, what] = path.split('/');
    if (room === 'me') return { body: { name: 'Gateway' } };
    if (room === 'files') {
      const file = this.files[Number(id)];
      return file ? { headers: { 'content-type': file.type }, body: file.content } : { status: 404 };
    }
    if (room === 'changes') return this.changesAfter(query.get('after') ?? '');
    if (room !== 'tickets') return { status: 404 };
    const json = (method === 'GET' ? {} : JSON.parse(body.toString())) as Record<string, unknown>;
    if (id === undefined || id === '')
      return method === 'GET' ? this.found(query.get('external') ?? '') : this.made(json as unknown as Made);
    const ticket = this.kept.get(id);
    if (!ticket) return { status: 404 };
    if (method === 'GET') return { body: { id, status: ticket.status, marks: ticket.marks } };
    if (ticket.ended) return { status: 409, body: { ended: true, ...(ticket.ended === 'closed' ? {} : ticket.ended) } };
    if (what === 'entries') this.add(ticket, json as unknown as Sent);
    else if (json['fields']) Object.assign(ticket.fields, json['fields']);
    else this.move(ticket, (json as { status: TicketStatus }).status, 'us');
    return { status: 201, body: { id } };
  }

  tickets(): SeenTicket[] {
    return [...this.kept.values()]
      .filter(({ ended }) => typeof ended !== 'object')
      .map(({ external, ...ticket }) => ({ ...ticket, externalId: external }));
  }

  answer(ticketId: string, writing: Writing): RawRequest {
    return this.write(ticketId, writing, true);
  }

  note(ticketId: string, writing: Writing): RawRequest {
    return this.write(ticketId, writing, false);
  }

  setStatus(ticketId: string, status: TicketStatus): RawRequest {
    return this.move(this.kept.get(ticketId)!, status, 'agent');
  }

  close(ticketId: string): void {
    Object.assign(this.kept.get(ticketId)!, { ended: 'closed', status: 'closed' });
  }

  remove(ticketId: string): void {
    this.kept.delete(ticketId);
  }

  merge(ticketId: string, into: string): void {
    this.kept.get(ticketId)!.ended = { into };
  }

  ownCallbacks(): RawRequest[] {
    return this.own;
  }

  private found(external: string): FakeAnswer {
    const tickets = [...this.kept.values()].filter((ticket) => ticket.external === external);
    return { body: { tickets: tickets.map(({ id }) => ({ id })) } };
  }

  private made({ external, subject, fields, entry }: Made): FakeAnswer {
    const id = String((this.count += 1) + 100);
    const ticket: Kept = { id, external, subject, fields, status: 'open', marks: [], entries: [] };
    this.kept.set(id, ticket);
    this.add(ticket, entry);
    return { status: 201, body: { id, url: `https://desk.example/${id}` } };
  }

  private add(ticket: Kept, sent: Sent): void {
    ticket.marks.push(...sent.marks);
    const files = sent.files.map(({ name, content }) => ({ name, content: Buffer.from(content, 'base64') }));
    ticket.entries.push({ text: sent.text, isHtml: false, isPublic: sent.public, by: sent.as, files });
    this.own.push(
      this.changed(ticket, {
        by: 'us',
        entry: { text: sent.text, public: sent.public, author: 'Gateway', marks: sent.marks, files: [] },
      }),
    );
  }

  private write(ticketId: string, { text, author, asUs, files = [] }: Writing, isPublic: boolean): RawRequest {
    const ticket = this.kept.get(ticketId)!;
    ticket.entries.push({
      text,
      isHtml: false,
      isPublic,
      by: 'agent',
      files: files.map(({ name, content }) => ({ name, content })),
    });
    const told = files.map(({ name, mimeType, content }) => ({
      id: String(this.files.push({ content, type: mimeType }) - 1),
      name,
      type: mimeType,
    }));
    return this.changed(ticket, { by: asUs ? 'us' : 'agent', entry: { text, public: isPublic, author, files: told } });
  }

  private move(ticket: Kept, status: TicketStatus, by: 'us' | 'agent'): RawRequest {
    if (ticket.status === status) return rawRequest({ json: { changes: [] } });
    ticket.status = status;
    const request = this.changed(ticket, { by, status });
    if (by === 'us') this.own.push(request);
    return request;
  }

  private changed({ id, external }: Kept, what: Pick<Change, 'by' | 'status' | 'entry'>): RawRequest {
    const change = { n: this.changes.length + 1, ticket: id, external, ...what };
    this.changes.push(change);
    return rawRequest({ json: { changes: [change] } });
  }

  /** Two at a time. */
  private changesAfter(after: string): FakeAnswer {
    const from = after === 'now' ? this.changes.length : Number(after);
    const changes = this.changes.slice(from, from + 2);
    const last = from + changes.length;
    return { body: { changes, last, more: last < this.changes.length } };
  }
}
