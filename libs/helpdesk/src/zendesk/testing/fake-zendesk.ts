import { createHmac } from 'node:crypto';
import type { RawRequest } from '#transport';
import { rawRequest, type FakeAnswer, type LoggedRequest } from '#transport/testing';
import type { FakeTicketSystem, SeenTicket, Writing } from '../../testing/index.js';
import type { TicketStatus } from '../../tickets/index.js';
import type { File, Event, Ticket, User, Sent, Deed } from './zendesk-shapes.js';

export const GATEWAY = 900;
const AGENTS = 901;
const MOST_BYTES = 65_535;
const TEN_MINUTES = 600_000;

/** Zendesk Support as it documents itself: group `Support` (71), fields 81 and 82, an API token of an agent, 30 updates of a ticket within ten minutes. */
export class FakeZendesk implements FakeTicketSystem {
  readonly all = new Map<number, Ticket>();
  readonly users = new Map<number, User>([
    [GATEWAY, { id: GATEWAY, name: 'Gate Way', email: 'gateway@example.com', role: 'agent' }],
  ]);
  readonly groups = [{ id: 71, name: 'Support' }];
  private readonly files = new Map<string, File>();
  private count = 100;

  constructor(
    private readonly login: { readonly email: string; readonly token: string },
    private now: number,
  ) {}

  /** Time passes. */
  later(ms: number): void {
    this.now += ms;
  }

  isWrite({ method, path }: LoggedRequest): boolean {
    return method !== 'GET' && path.startsWith('/api/v2/tickets');
  }

  respond(request: LoggedRequest): FakeAnswer {
    const { method, path, headers, query } = request;
    if (path.startsWith('/stored/')) return this.stored(path, headers);
    const basic = Buffer.from(`${this.login.email}/token:${this.login.token}`).toString('base64');
    if (headers['authorization'] !== `Basic ${basic}`)
      return { status: 401, body: { error: "Couldn't authenticate you" } };
    const [, , , room = '', name = '', last = ''] = path.replace(/\.json$/, '').split('/');
    if (path.startsWith('/attachments/token/')) return leadTo(`/stored/${path.split('/')[3]}`, headers);
    if (room === 'users') return this.people(request, name);
    if (room === 'groups') return { body: { groups: this.groups } };
    if (room === 'ticket_fields')
      return { body: { ticket_fields: [81, 82].map((id) => ({ id, title: `Field ${id}`, active: true })) } };
    if (room === 'uploads') return this.upload(request);
    if (room === 'attachments') return this.attachment(name, headers);
    if (room !== 'tickets') return { status: 404, body: { error: 'InvalidEndpoint' } };
    const sent = method === 'GET' ? {} : (JSON.parse(request.body.toString()) as { ticket: Sent }).ticket;
    if (name === '') return method === 'POST' ? this.create(sent) : this.listed(query);
    const found = this.all.get(Number(name));
    if (!found) return { status: 404, body: { error: 'RecordNotFound', description: 'Not found' } };
    if (last === 'audits') return this.audited(found, query);
    if (method === 'PUT') return this.update(found, sent);
    return { body: { ticket: shown(found) } };
  }

  tickets(): SeenTicket[] {
    return [...this.all.values()]
      .filter(({ tags }) => !tags.includes('closed_by_merge'))
      .map((ticket) => ({
        ...{ id: String(ticket.id), externalId: ticket.external_id, subject: ticket.subject },
        status: ['solved', 'closed'].includes(ticket.status)
          ? 'closed'
          : ticket.status === 'pending'
            ? 'pending'
            : 'open',
        fields: Object.fromEntries(ticket.custom_fields.map(({ id, value }) => [String(id), value])),
        entries: ticket.audits.flatMap(({ events }) =>
          events
            .filter(({ type }) => type === 'Comment')
            .map((event) => ({
              ...{ text: String(event['html_body']), isHtml: true, isPublic: event['public'] === true },
              by:
                this.users.get(Number(event['author_id']))?.role === 'end-user'
                  ? 'customer'
                  : event['author_id'] === GATEWAY
                    ? 'us'
                    : 'agent',
              files: (event['attachments'] as File[]).map(({ file_name, content }) => ({ name: file_name, content })),
            })),
        ),
      }));
  }

  answer(ticketId: string, writing: Writing): RawRequest {
    return this.write(ticketId, writing, { isPublic: true });
  }

  note(ticketId: string, writing: Writing): RawRequest {
    return this.write(ticketId, writing, { isPublic: false });
  }

  setStatus(ticketId: string, status: TicketStatus): RawRequest {
    const ticket = this.all.get(Number(ticketId))!;
    this.change(ticket, { status: status === 'closed' ? 'solved' : status }, { by: this.user('Ann Agent', 'agent') });
    return this.called(ticket);
  }

  /** As it closes solved tickets after some days. */
  close(ticketId: string): void {
    this.change(this.all.get(Number(ticketId))!, { status: 'closed' }, { by: -1 });
  }

  /** So many tickets more, of other conversations, like the last one. */
  crowd(count: number): void {
    const last = [...this.all.values()].at(-1)!;
    for (let n = 0; n < count; n += 1) {
      const id = this.next();
      this.all.set(id, { ...last, id, external_id: `cnv_crowd${id}`, audits: [], updates: [] });
    }
  }

  remove(ticketId: string): void {
    this.all.delete(Number(ticketId));
  }

  merge(ticketId: string, into: string): void {
    const [from, target] = [this.all.get(Number(ticketId))!, this.all.get(Number(into))!];
    const by = this.user('Ann Agent', 'agent');
    const told = (body: string, isPublic: boolean) => ({
      comment: { html_body: `<p>${body}</p>`, body, public: isPublic },
    });
    this.change(
      from,
      { ...told(`本请求已关闭并合并至请求 #${into} "${target.subject}"。`, false), status: 'closed' },
      { by },
    );
    from.tags = [...from.tags, 'closed_by_merge'];
    this.change(target, told(`Request #${ticketId} "${from.subject}" was closed and merged into this request.`, true), {
      by,
      rel: 'merge',
    });
  }

  ownCallbacks(): RawRequest[] {
    return [...this.all.values()].map((ticket) => this.called(ticket));
  }

  /** A public comment by this user. */
  says(ticketId: string, html_body: string, by: number): void {
    this.change(this.all.get(Number(ticketId))!, { comment: { html_body, public: true } }, { by });
  }

  user(name: string, role: User['role'], email?: string): number {
    const known = [...this.users.values()].find((one) => one.name === name && one.role === role);
    const id = known?.id ?? AGENTS + this.users.size;
    this.users.set(id, known ?? { id, name, role, email });
    return id;
  }

  private write(
    ticketId: string,
    { text, author, asUs, files = [] }: Writing,
    { isPublic }: { isPublic: boolean },
  ): RawRequest {
    const ticket = this.all.get(Number(ticketId))!;
    const uploads = files.map(({ name, mimeType, content }) => this.keep(name, mimeType, content));
    const html_body =
      text && `<div class="zd-comment"><p>${text.replace(/&/g, '&amp;').replace(/</g, '&lt;')}</p></div>`;
    this.change(
      ticket,
      { comment: { html_body, body: text, public: isPublic, uploads } },
      { by: asUs ? GATEWAY : this.user(author, 'agent') },
    );
    return this.called(ticket);
  }

  private people({ method, query, body }: LoggedRequest, name: string): FakeAnswer {
    const all = [...this.users.values()];
    if (name === 'me') return { body: { user: this.users.get(GATEWAY)! } };
    if (name === 'show_many')
      return {
        body: {
          users: query
            .get('ids')!
            .split(',')
            .flatMap((id) => this.users.get(Number(id)) ?? []),
        },
      };
    if (name === 'search') {
      const [external, email] = [query.get('external_id'), /^email:"(.*)"$/.exec(query.get('query') ?? '')?.[1]];
      return { body: { users: all.filter((one) => (external ? one.external_id === external : one.email === email)) } };
    }
    if (method !== 'POST') return { status: 404 };
    const { user } = JSON.parse(body.toString()) as { user: Omit<User, 'id' | 'role'> };
    const known = all.find((one) => one.external_id === user.external_id || (user.email && one.email === user.email));
    const id = known?.id ?? AGENTS + all.length;
    const kept: User = { role: 'end-user', ...known, ...user, id };
    this.users.set(id, kept);
    return { status: known ? 200 : 201, body: { user: kept } };
  }

  private listed(query: URLSearchParams): FakeAnswer {
    const external = query.get('external_id');
    if (external !== null)
      return { body: { tickets: [...this.all.values()].filter((one) => one.external_id === external).map(shown) } };
    const sorted = [...this.all.values()].sort((a, b) => b.updated_at.localeCompare(a.updated_at) || b.id - a.id);
    return paged('tickets', query.get('sort') === '-updated_at' ? sorted.map(shown) : [], query);
  }

  private audited({ audits }: Ticket, query: URLSearchParams): FakeAnswer {
    const told = audits.map(({ events, ...audit }) => ({
      ...audit,
      events: events.map((event) => ({
        ...event,
        ...(event.type === 'Comment' && {
          attachments: (event['attachments'] as File[]).map(({ content, ...file }) => ({
            ...file,
            size: content.length,
          })),
        }),
      })),
    }));
    return paged('audits', query.get('sort') === '-created_at' ? told.reverse() : told, query);
  }

  private create(sent: Sent): FakeAnswer {
    const author = this.users.get(sent.comment?.author_id ?? sent.submitter_id ?? GATEWAY);
    if (!sent.comment || !this.users.has(sent.requester_id ?? 0) || !author)
      return invalid('base', 'Description: cannot be blank');
    const source = sent.via_followup_source_id;
    if (source !== undefined && this.all.get(source)?.status !== 'closed')
      return invalid('via_followup_source_id', 'is invalid');
    const refused = this.refusal(sent);
    if (refused) return refused;
    const id = (this.count += 1);
    const { external_id = '', subject = '', requester_id = 0, tags = [], custom_fields = [] } = sent;
    const ticket: Ticket = {
      ...{ id, external_id, subject, requester_id, tags, custom_fields, via_followup_source_id: source },
      ...{ audits: [], updates: [], status: 'new', updated_at: this.time() },
    };
    this.all.set(id, ticket);
    this.change(ticket, { comment: sent.comment, ...(sent.metadata && { metadata: sent.metadata }) }, { by: GATEWAY });
    return { status: 201, body: { ticket: shown(ticket), audit: ticket.audits[0]! } };
  }

  private update(ticket: Ticket, sent: Sent): FakeAnswer {
    const recent = ticket.updates.filter((at) => this.now - at < TEN_MINUTES);
    if (recent.length >= 30) {
      const seconds = Math.ceil((recent.at(-30)! + TEN_MINUTES - this.now) / 1_000);
      return {
        status: 429,
        headers: { 'retry-after': String(seconds), 'x-rate-limit': '400', 'x-rate-limit-remaining': '399' },
      };
    }
    if (ticket.status === 'closed') return invalid('status', 'Status: closed prevents ticket update');
    const refused = this.refusal(sent);
    if (refused) return refused;
    ticket.updates.push(this.now);
    this.change(ticket, sent, { by: GATEWAY });
    return { body: { ticket: shown(ticket) } };
  }

  private refusal({ comment, metadata, status }: Sent): FakeAnswer | null {
    if (Buffer.byteLength(comment?.html_body ?? '') > MOST_BYTES) return invalid('comment', 'Body: is too long');
    if (Buffer.byteLength(JSON.stringify(metadata ?? {})) > 1_024) return invalid('metadata', 'is too large');
    if (comment?.uploads?.some((token) => !this.files.has(token))) return invalid('base', 'Attachment: is invalid');
    return status && !['open', 'pending', 'hold', 'solved'].includes(status) ? invalid('status', 'is invalid') : null;
  }

  private change(
    ticket: Ticket,
    { comment, status, custom_fields = [], metadata = {} }: Sent,
    { by, rel }: Deed,
  ): void {
    const author_id = comment?.author_id ?? by;
    const events: Event[] = [];
    if (comment) {
      const {
        html_body = '',
        body = html_body.replace(/<[^<>]*>/g, ''),
        public: shownToAll = true,
        uploads = [],
      } = comment;
      const attachments = uploads.map((token) => this.files.get(token)!);
      events.push({ id: this.next(), type: 'Comment', author_id, html_body, body, public: shownToAll, attachments });
      events.push({ id: this.next(), type: 'Notification', subject: 'Your request was updated', body: 'x' });
    }
    if (status && status !== ticket.status)
      events.push({
        id: this.next(),
        type: 'Change',
        field_name: 'status',
        value: status,
        previous_value: ticket.status,
      });
    if (status) ticket.status = status;
    for (const { id, value } of custom_fields) ticket.custom_fields.find((field) => field.id === id)!.value = value;
    ticket.updated_at = this.time();
    const via = { channel: by === GATEWAY ? 'api' : 'web', source: { rel: rel ?? null } };
    const made = { id: this.next(), author_id, created_at: this.time(), via, events };
    ticket.audits.push({ ...made, metadata: { system: { client: 'x' }, custom: metadata } });
  }

  private upload({ query, body, headers }: LoggedRequest): FakeAnswer {
    if (body.length > 52_428_800) return { status: 413, body: { error: 'AttachmentTooLarge' } };
    const token = this.keep(query.get('filename') ?? '', headers['content-type'] ?? '', body);
    return { status: 201, body: { upload: { token, expires_at: this.time() } } };
  }

  private keep(file_name: string, content_type: string, content: Buffer): string {
    const id = this.next();
    this.files.set(`token-${id}`, { id, file_name, content_type, content });
    return `token-${id}`;
  }

  private attachment(id: string, headers: LoggedRequest['headers']): FakeAnswer {
    if (!this.files.has(`token-${id}`)) return { status: 404, body: { error: 'RecordNotFound' } };
    return {
      body: {
        attachment: { id: Number(id), content_url: `http://${headers['host']}/attachments/token/token-${id}/?name=x` },
      },
    };
  }

  /** The store of files is another house: it takes no credentials of Zendesk. */
  private stored(path: string, headers: LoggedRequest['headers']): FakeAnswer {
    const file = this.files.get(path.split('/')[2] ?? '');
    if (!file || headers['authorization']) return { status: 400 };
    return { headers: { 'content-type': file.content_type }, body: file.content };
  }

  private called({ id, status }: Ticket): RawRequest {
    const body = JSON.stringify({ ticket: String(id), status });
    const headers = { 'content-type': 'application/json', 'x-zendesk-webhook-signature-timestamp': this.time() };
    return rawRequest({ headers, body });
  }

  private next(): number {
    return (this.count += 1);
  }

  private time(): string {
    return `${new Date(this.now).toISOString().slice(0, 19)}Z`;
  }
}

/** As the webhook with this secret signs. */
export function signedBy(secret: string, request: RawRequest): RawRequest {
  const at = request.headers['x-zendesk-webhook-signature-timestamp'] ?? '';
  const mac = createHmac('sha256', secret)
    .update(at + request.body.toString('latin1'), 'latin1')
    .digest('base64');
  return { ...request, headers: { ...request.headers, 'x-zendesk-webhook-signature': mac } };
}

/** By another name of this machine: another origin. */
function leadTo(path: string, headers: LoggedRequest['headers']): FakeAnswer {
  const port = headers['host']?.split(':')[1] ?? '';
  return { status: 302, headers: { location: `http://localhost:${port}${path}` } };
}

function shown({ audits: _a, updates: _u, ...ticket }: Ticket) {
  return { ...ticket, url: `https://example.zendesk.com/api/v2/tickets/${ticket.id}.json` };
}

function paged(name: string, all: readonly unknown[], query: URLSearchParams): FakeAnswer {
  const [at, size] = [Number(query.get('page[after]') ?? 0), Number(query.get('page[size]') ?? 100)];
  const has_more = at + size < all.length;
  const meta = { has_more, after_cursor: has_more ? String(at + size) : null, before_cursor: null };
  return { body: { [name]: all.slice(at, at + size), meta } };
}

function invalid(field: string, description: string): FakeAnswer {
  return {
    status: 422,
    body: { error: 'RecordInvalid', description: 'Record validation errors', details: { [field]: [{ description }] } },
  };
}
