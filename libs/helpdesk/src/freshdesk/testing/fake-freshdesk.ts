import type { RawRequest } from '#transport';
import { rawRequest, type FakeAnswer, type LoggedRequest } from '#transport/testing';
import type { FakeTicketSystem, SeenTicket, Writing } from '../../testing/index.js';
import type { TicketStatus } from '../../tickets/index.js';
import { formParts, formValues } from '../../testing/form.js';

export const GATEWAY = 50;
const STATUSES = { open: 2, pending: 3, closed: 4 } as const;
const MOST_BYTES = 20_000_000;

interface File {
  readonly id: number;
  readonly name: string;
  readonly content_type: string;
  readonly content: Buffer;
}

interface Conversation {
  readonly id: number;
  readonly body: string;
  readonly incoming: boolean;
  readonly private: boolean;
  readonly source: number;
  readonly user_id: number;
  readonly created_at: string;
  readonly attachments: readonly File[];
}

interface Ticket {
  readonly id: number;
  readonly subject: string;
  readonly description: string;
  readonly requester_id: number;
  readonly source: number;
  readonly group_id: number | null;
  readonly tags: readonly string[];
  readonly custom_fields: Record<string, string>;
  readonly attachments: readonly File[];
  readonly conversations: Conversation[];
  readonly created_at: string;
  status: number;
  status_updated_at: string;
  updated_at: string;
  deleted: boolean;
}

interface Contact {
  readonly id: number;
  readonly name: string;
  readonly unique_external_id?: string | undefined;
  readonly email?: string | undefined;
  readonly phone?: string | undefined;
}

type Values = Record<string, unknown>;

/** Freshdesk as it documents itself: agents 50 and up, fields `cf_...` that are lines of text, 20 MB of files a request, a search that lags, a trash. */
export class FakeFreshdesk implements FakeTicketSystem {
  readonly all = new Map<number, Ticket>();
  readonly contacts = new Map<number, Contact>();
  readonly agents = new Map<number, string>([[GATEWAY, 'Gate Way']]);
  fields = ['cf_tributary', 'cf_tributary_state', 'cf_company', 'cf_link'].map((name) => ({
    name,
    type: 'custom_text',
  }));
  scope = 1;
  /** May our agent see other agents? */
  isAdministrator = true;
  /** Contacts that lists leave out. */
  readonly unlisted = new Set<number>();
  private count = 0;

  constructor(
    private readonly key: string,
    private now: number,
  ) {}

  /** Time passes; the search indexes what is older than five minutes. */
  later(ms: number): void {
    this.now += ms;
  }

  isWrite({ method, path }: LoggedRequest): boolean {
    return method !== 'GET' && path.startsWith('/api/v2/tickets');
  }

  respond(request: LoggedRequest): FakeAnswer {
    const { method, path, headers } = request;
    if (path.startsWith('/stored/')) return this.stored(request);
    if (headers['authorization'] !== `Basic ${Buffer.from(`${this.key}:X`).toString('base64')}`)
      return {
        status: 401,
        body: { code: 'invalid_credentials', message: 'You have to be logged in to perform this action.' },
      };
    const [, , , room = '', id = '', last = ''] = path.split('/');
    if (room === 'agents') return this.agent(id);
    if (room === 'ticket_fields') return { body: [{ name: 'subject', type: 'default_subject' }, ...this.fields] };
    if (room === 'contacts') return this.people(request);
    if (room === 'search') return this.searched(request.query.get('query') ?? '');
    if (room !== 'tickets') return { status: 404 };
    if (id === '') return method === 'POST' ? this.create(request) : { body: this.listed(request.query) };
    const found = this.all.get(Number(id));
    if (!found || (found.deleted && last !== '')) return { status: 404 };
    if (last === 'conversations')
      return { body: page(found.conversations, request.query).map((one) => told(one, headers)) };
    if (last === 'notes') return this.note_(found, request);
    if (method === 'PUT') return this.update(found, JSON.parse(request.body.toString()) as Values);
    return { body: this.shown(found) };
  }

  tickets(): SeenTicket[] {
    return [...this.all.values()]
      .filter(({ deleted }) => !deleted)
      .map((ticket) => ({
        ...{ id: String(ticket.id), externalId: ticket.custom_fields['cf_tributary'] ?? '', subject: ticket.subject },
        status: [4, 5].includes(ticket.status) ? 'closed' : ticket.status === 2 ? 'open' : 'pending',
        fields: ticket.custom_fields,
        entries: [
          { text: ticket.description, isHtml: true, isPublic: true, by: 'customer', files: ticket.attachments },
          ...ticket.conversations.map(({ body, incoming, private: isPrivate, user_id, attachments }) => ({
            ...{ text: body, isHtml: true, isPublic: !isPrivate, files: attachments },
            by: incoming ? ('customer' as const) : user_id === GATEWAY ? ('us' as const) : ('agent' as const),
          })),
        ],
      }));
  }

  answer(ticketId: string, writing: Writing): RawRequest {
    return this.write(ticketId, writing, { source: 0 });
  }

  note(ticketId: string, writing: Writing): RawRequest {
    return this.write(ticketId, writing, { source: 2, private: true });
  }

  setStatus(ticketId: string, status: TicketStatus): RawRequest {
    const ticket = this.all.get(Number(ticketId))!;
    this.move(ticket, STATUSES[status]);
    return this.called(ticket);
  }

  /** So many tickets more, of other conversations, like the last one. */
  crowd(count: number): void {
    const last = [...this.all.values()].at(-1)!;
    for (let n = 0; n < count; n += 1) {
      const id = this.next();
      const custom_fields = { ...last.custom_fields, cf_tributary: `cnv_crowd${id}` };
      this.all.set(id, { ...last, id, custom_fields, conversations: [] });
    }
  }

  /** Into the trash. */
  remove(ticketId: string): void {
    this.all.get(Number(ticketId))!.deleted = true;
  }

  ownCallbacks(): RawRequest[] {
    return [...this.all.values()].map((ticket) => this.called(ticket));
  }

  write(
    ticketId: string,
    { text, author, asUs, files = [] }: Writing,
    { source, private: isPrivate = false, by }: { source: number; private?: boolean; by?: number },
  ): RawRequest {
    const ticket = this.all.get(Number(ticketId))!;
    const known = [...this.agents].find(([, name]) => name === author)?.[0];
    const user_id = by ?? (asUs ? GATEWAY : known) ?? GATEWAY + this.agents.size;
    if (by === undefined && !asUs) this.agents.set(user_id, author);
    const body = text && `<div style="font-size:14px">${text.replace(/&/g, '&amp;').replace(/</g, '&lt;')}</div>`;
    const attachments = files.map(({ name, mimeType, content }) => ({
      id: this.next(),
      name,
      content_type: mimeType,
      content,
    }));
    this.add(ticket, { body, incoming: false, private: isPrivate, source, user_id, attachments });
    return this.called(ticket);
  }

  private agent(id: string): FakeAnswer {
    const agentId = id === 'me' ? GATEWAY : Number(id);
    if (id !== 'me' && !this.isAdministrator)
      return {
        status: 403,
        body: { code: 'access_denied', message: 'You are not authorized to perform this action.' },
      };
    const name = this.agents.get(agentId);
    return name
      ? { body: { id: agentId, ticket_scope: this.scope, contact: { name, email: 'a@example.com' } } }
      : { status: 404 };
  }

  private people({ method, path, query, body }: LoggedRequest): FakeAnswer {
    const all = [...this.contacts.values()];
    const id = path.split('/')[4];
    if (id) return this.contacts.has(Number(id)) ? { body: this.contacts.get(Number(id))! } : { status: 404 };
    const same = (one: Contact, [name, value]: [string, unknown]) => one[name as keyof Contact] === value;
    if (method === 'GET')
      return { body: all.filter((one) => !this.unlisted.has(one.id) && [...query].every((pair) => same(one, pair))) };
    const sent = JSON.parse(body.toString()) as Omit<Contact, 'id'>;
    for (const field of ['unique_external_id', 'email'] as const) {
      const taken = sent[field] && all.find((one) => one[field] === sent[field]);
      if (!taken) continue;
      const error = {
        field,
        message: 'It should be a unique value',
        code: 'duplicate_value',
        additional_info: { user_id: taken.id },
      };
      return { status: 409, body: { description: 'Validation failed', errors: [error] } };
    }
    const made = { ...sent, id: 1_000 + this.next() };
    this.contacts.set(made.id, made);
    return { status: 201, body: made };
  }

  private searched(query: string): FakeAnswer {
    const [, field = '', value] = /^"(cf_\w+):'([^']*)'"$/.exec(query) ?? [];
    if (!this.fields.some(({ name }) => name === field))
      return { status: 400, body: { description: 'Validation failed' } };
    const results = [...this.all.values()].filter(
      (one) => one.custom_fields[field] === value && this.now - Date.parse(one.created_at) > 300_000,
    );
    return { body: { total: results.length, results: results.map((one) => this.shown(one)) } };
  }

  private listed(query: URLSearchParams): unknown[] {
    const since = Date.parse(query.get('updated_since') ?? new Date(this.now - 30 * 86_400_000).toISOString());
    const by = query.get('order_by') === 'updated_at' ? 'updated_at' : 'created_at';
    const turn = query.get('order_type') === 'asc' ? 1 : -1;
    const found = [...this.all.values()]
      .filter((one) => !one.deleted && Date.parse(one.updated_at) >= since)
      .sort((a, b) => (a[by].localeCompare(b[by]) || a.id - b.id) * turn);
    return page(found, query).map(({ description: _, ...one }) => this.shown({ ...one, description: '' }));
  }

  private create(request: LoggedRequest): FakeAnswer {
    const { values, files } = this.sent(request);
    const {
      subject,
      description,
      requester_id,
      status,
      priority,
      source,
      custom_fields = {},
      tags = [],
      group_id = null,
    } = values;
    const named = Object.keys(custom_fields as object);
    if (!subject || !description || !this.contacts.has(requester_id as number)) return invalid('requester_id');
    if (![2, 3, 4, 5].includes(status as number) || ![1, 2, 3, 4].includes(priority as number))
      return invalid('status');
    if (named.some((name) => !this.fields.some((field) => field.name === name))) return invalid('custom_fields');
    if ((tags as string[]).some((tag) => tag.length > 32)) return invalid('tags');
    if (Object.values(custom_fields as Record<string, string>).some((value) => value.length > 255))
      return invalid('custom_fields');
    if (sizeOf(files) > MOST_BYTES) return invalid('attachments');
    const [id, at] = [this.next(), this.time()];
    const ticket: Ticket = {
      ...{
        id,
        subject: String(subject),
        description: cleaned(String(description)),
        requester_id: Number(requester_id),
      },
      ...{ source: Number(source), group_id: group_id as number | null, tags: tags as string[], attachments: files },
      ...{ custom_fields: { ...(custom_fields as Record<string, string>) }, conversations: [], status: Number(status) },
      ...{ created_at: at, updated_at: at, status_updated_at: at, deleted: false },
    };
    this.all.set(id, ticket);
    return { status: 201, body: this.shown(ticket) };
  }

  private note_(ticket: Ticket, request: LoggedRequest): FakeAnswer {
    const { values, files } = this.sent(request);
    const { body, private: isPrivate = true, incoming = false, user_id = GATEWAY } = values;
    if (!body || (!this.contacts.has(user_id as number) && user_id !== GATEWAY)) return invalid('user_id');
    if (sizeOf(files) > MOST_BYTES) return invalid('attachments');
    const added = {
      incoming: incoming === true,
      private: isPrivate === true,
      source: 2,
      user_id: Number(user_id),
      attachments: files,
    };
    return { status: 201, body: told(this.add(ticket, { body: cleaned(String(body)), ...added }), request.headers) };
  }

  private update(ticket: Ticket, { status, custom_fields }: Values): FakeAnswer {
    if (status !== undefined && (typeof status !== 'number' || status < 2)) return invalid('status');
    Object.assign(ticket.custom_fields, custom_fields);
    if (typeof status === 'number') this.move(ticket, status);
    return { body: this.shown(ticket) };
  }

  private move(ticket: Ticket, status: number): void {
    if (ticket.status !== status) ticket.status_updated_at = this.time();
    ticket.status = status;
    ticket.updated_at = this.time();
  }

  private add(ticket: Ticket, one: Omit<Conversation, 'id' | 'created_at'>): Conversation {
    const made = { ...one, id: this.next(), created_at: this.time() };
    ticket.conversations.push(made);
    ticket.updated_at = this.time();
    return made;
  }

  private sent({ headers, body }: LoggedRequest): { values: Values; files: File[] } {
    const type = headers['content-type'] ?? '';
    if (type.startsWith('application/json')) return { values: JSON.parse(body.toString()) as Values, files: [] };
    const parts = formParts(type, body);
    const files = parts.flatMap(({ name, filename, type: content_type, content }) =>
      name === 'attachments[]' && filename !== null ? { id: this.next(), name: filename, content_type, content } : [],
    );
    return { values: formValues(parts), files };
  }

  /** The store of files is another house: it takes its own signature, and no credentials of Freshdesk. */
  private stored({ path, query, headers }: LoggedRequest): FakeAnswer {
    const file = [...this.all.values()]
      .flatMap(({ conversations }) => conversations.flatMap(({ attachments }) => attachments))
      .find(({ id }) => String(id) === path.split('/')[2]);
    if (!file || headers['authorization'] || query.get('Signature') !== 'x') return { status: 403 };
    return { headers: { 'content-type': file.content_type }, body: file.content };
  }

  private shown({ conversations: _, attachments: _files, status_updated_at, ...ticket }: Ticket) {
    return { ...ticket, stats: { status_updated_at, closed_at: null, resolved_at: null, first_responded_at: null } };
  }

  private called({ id }: Ticket): RawRequest {
    const body = JSON.stringify({ freshdesk_webhook: { ticket_id: id } });
    return rawRequest({ headers: { 'content-type': 'application/json' }, body });
  }

  private next(): number {
    return (this.count += 1);
  }

  private time(): string {
    return `${new Date(this.now).toISOString().slice(0, 19)}Z`;
  }
}

/** As the automation with this secret in its custom header sends. */
export function sentWith(secret: string, request: RawRequest): RawRequest {
  return { ...request, headers: { ...request.headers, 'x-tributary-secret': secret } };
}

function told({ attachments, ...one }: Conversation, headers: LoggedRequest['headers']) {
  const port = headers['host']?.split(':')[1] ?? '';
  const files = attachments.map(({ content, ...file }) => ({
    ...{ ...file, size: content.length },
    attachment_url: `http://localhost:${port}/stored/${file.id}?Signature=x`,
  }));
  return { ...one, body_text: one.body.replace(/<[^<>]*>/g, ''), attachments: files };
}

function page<T>(all: readonly T[], query: URLSearchParams): T[] {
  const [at, size] = [Number(query.get('page') ?? 1) - 1, Number(query.get('per_page') ?? 30)];
  return all.slice(at * size, (at + 1) * size);
}

/** What is left of html: comments and scripts are not. */
function cleaned(html: string): string {
  return html.replace(/<!--[^]*?-->/g, '').replace(/<script[^]*?<\/script>/gi, '');
}

function sizeOf(files: readonly File[]): number {
  return files.reduce((sum, { content }) => sum + content.length, 0);
}

function invalid(field: string): FakeAnswer {
  return {
    status: 400,
    body: { description: 'Validation failed', errors: [{ field, message: 'is invalid', code: 'invalid_value' }] },
  };
}
