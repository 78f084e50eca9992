import { createHmac } from 'node:crypto';
import type { RawRequest } from '#transport';
import { rawRequest, type FakeAnswer, type LoggedRequest } from '#transport/testing';
import type { FakeTicketSystem, SeenTicket, Writing } from '../../testing/index.js';
import type { TicketStatus } from '../../tickets/index.js';

const [GATEWAY, AGENT] = [3, 4];
const STATES = ['new', 'open', 'pending reminder', 'closed', 'merged'];

interface Article {
  readonly id: number;
  readonly body: string;
  readonly content_type: string;
  readonly type: string;
  readonly sender: string;
  readonly internal: boolean;
  readonly from?: string | undefined;
  readonly message_id?: string | undefined;
  readonly origin_by_id?: number | undefined;
  readonly created_by_id: number;
  readonly created_at: string;
  readonly files: { readonly id: number; readonly filename: string; readonly type: string; readonly content: Buffer }[];
}

interface Ticket {
  readonly id: number;
  readonly title: string;
  readonly customer: string;
  readonly tags: string[];
  readonly fields: Record<string, string>;
  readonly articles: Article[];
  readonly history: {
    object: string;
    attribute: string;
    value_to: string;
    created_by_id: number;
    created_at: string;
  }[];
  state: string;
  into?: number;
}

interface SentArticle {
  body?: string;
  content_type?: string;
  type?: string;
  sender?: string;
  internal?: boolean;
  from?: string;
  origin_by_id?: number;
  message_id?: string;
  attachments?: { filename: string; data: string; 'mime-type': string }[];
}

/** Zammad 6 as its source has it: one group `Support`, attributes `company` and `link`. */
export class FakeZammad implements FakeTicketSystem {
  private readonly all = new Map<number, Ticket>();
  private count = 0;
  private articles = 0;
  private files = 0;

  constructor(
    private readonly token: string,
    private readonly now: number,
  ) {}

  isWrite({ method }: LoggedRequest): boolean {
    return method !== 'GET';
  }

  respond(request: LoggedRequest): FakeAnswer {
    const { method, path, headers, query } = request;
    if (headers['authorization'] !== `Token token=${this.token}`)
      return { status: 401, body: { error: 'Not authorized' } };
    const [, , , room = '', id = '', ...rest] = path.split('/');
    const sent = method === 'GET' ? {} : (JSON.parse(request.body.toString()) as Record<string, unknown>);
    if (room === 'users') return { body: { id: GATEWAY, login: 'gateway@example.com' } };
    if (room === 'groups') return { body: [{ id: 1, name: 'Support', active: true }] };
    if (room === 'ticket_states') return { body: STATES.map((name, n) => ({ id: n + 1, name, active: true })) };
    if (room === 'links') return { body: { links: this.linksOf(query.get('link_object_value') ?? '') } };
    if (room === 'ticket_attachment') return this.fileOf(rest.at(-1) ?? '');
    if (room === 'tickets' && id === 'search') return { body: this.search(query) };
    if (room === 'tickets' && method === 'POST') return this.create(sent as never);
    const ticket = this.all.get(
      Number(room === 'ticket_articles' && method === 'POST' ? sent['ticket_id'] : id === 'by_ticket' ? rest[0] : id),
    );
    if (!ticket) return { status: 404, body: { error: "Couldn't find Ticket", error_human: 'Not found' } };
    if (room === 'ticket_history') return { body: { history: ticket.history } };
    if (room === 'ticket_articles' && method === 'GET') return { body: ticket.articles.map(shown) };
    if (room === 'ticket_articles')
      return { status: 201, body: { id: this.add(ticket, sent as SentArticle, GATEWAY).id } };
    const { state, ...fields } = sent;
    if (method === 'PUT' && state !== undefined) this.move(ticket, String(state), GATEWAY);
    Object.assign(ticket.fields, fields);
    return { body: this.shown(ticket) };
  }

  tickets(): SeenTicket[] {
    return [...this.all.values()]
      .filter(({ state }) => state !== 'merged')
      .map(({ id, title, customer, tags, fields, articles, state }) => ({
        ...{ id: String(id), externalId: tags[0] ?? '', subject: title, fields },
        status: state === 'closed' ? 'closed' : state.startsWith('pending') ? 'pending' : 'open',
        entries: articles.map(({ body, content_type, internal, sender, from, created_by_id, files }) => ({
          ...{ text: body, isHtml: content_type === 'text/html', isPublic: !internal },
          by: sender === 'Customer' && from === customer ? 'customer' : created_by_id === GATEWAY ? 'us' : 'agent',
          files: files.map(({ filename, content }) => ({ name: filename, content })),
        })),
      }));
  }

  answer(ticketId: string, writing: Writing): RawRequest {
    return this.write(ticketId, writing, false);
  }

  note(ticketId: string, writing: Writing): RawRequest {
    return this.write(ticketId, writing, true);
  }

  setStatus(ticketId: string, status: TicketStatus): RawRequest {
    const ticket = this.all.get(Number(ticketId))!;
    this.move(ticket, status === 'pending' ? 'pending reminder' : status, AGENT);
    return this.called(ticket);
  }

  remove(ticketId: string): void {
    this.all.delete(Number(ticketId));
  }

  merge(ticketId: string, into: string): void {
    const [from, target] = [this.all.get(Number(ticketId))!, this.all.get(Number(into))!];
    target.articles.push(...from.articles.splice(0));
    Object.assign(from, { state: 'merged', into: Number(into) });
    this.add(from, { body: 'merged', sender: 'Agent', type: 'note', internal: false, from: 'Ann Agent' }, AGENT);
  }

  ownCallbacks(): RawRequest[] {
    return [...this.all.values()].map((ticket) => this.called(ticket));
  }

  private write(ticketId: string, { text, author, asUs, files = [] }: Writing, internal: boolean): RawRequest {
    const ticket = this.all.get(Number(ticketId))!;
    const attachments = files.map(({ name, mimeType, content }) => ({
      filename: name,
      'mime-type': mimeType,
      data: content.toString('base64'),
    }));
    const sent = { body: text, content_type: 'text/plain', sender: 'Agent', type: 'note', internal, from: author };
    this.add(ticket, { ...sent, attachments }, asUs ? GATEWAY : AGENT);
    return this.called(ticket);
  }

  private search(query: URLSearchParams): unknown[] {
    const tag = query.get('condition[ticket.tags][value]');
    const after = query.get('condition[ticket.updated_at][value]');
    const found = [...this.all.values()].filter(
      ({ tags }) => (tag === null || tags.includes(tag)) && (after === null || this.now > Date.parse(after)),
    );
    const [limit, page] = [Number(query.get('limit') ?? 50), Number(query.get('page') ?? 1)];
    return found.slice((page - 1) * limit, page * limit).map((ticket) => this.shown(ticket));
  }

  private create(
    sent: { title?: string; group?: string; tags?: string; article?: SentArticle; customer?: unknown } & Record<
      string,
      unknown
    >,
  ): FakeAnswer {
    const { title, group, tags = '', article, customer, priority: _, ...rest } = sent;
    if (group !== 'Support' || !title || !customer)
      return { status: 422, body: { error: "No lookup value found for 'group'" } };
    const id = (this.count += 1) + 20;
    const ticket: Ticket = {
      id,
      title,
      customer: (customer as { firstname?: string }).firstname ?? '-',
      state: 'new',
      tags: tags.split(','),
      fields: rest as Record<string, string>,
      articles: [],
      history: [],
    };
    this.all.set(id, ticket);
    if (article) this.add(ticket, article, GATEWAY);
    return { status: 201, body: this.shown(ticket) };
  }

  private add(ticket: Ticket, sent: SentArticle, created_by_id: number): Article {
    const { body = '', content_type = 'text/plain', type = 'note', sender = 'Agent', internal = false } = sent;
    const article: Article = {
      ...{
        id: (this.articles += 1),
        body,
        content_type,
        type,
        sender,
        internal,
        created_by_id,
        created_at: this.time(),
      },
      ...{ from: this.nameOf(ticket, sent, created_by_id), message_id: sent.message_id },
      files: (sent.attachments ?? []).map((file) => ({
        ...{ id: (this.files += 1), filename: file.filename, type: file['mime-type'] },
        content: Buffer.from(file.data, 'base64'),
      })),
    };
    ticket.articles.push(article);
    return article;
  }

  /** Whatever `from` it was given. */
  private nameOf({ id, customer }: Ticket, { type, sender, from, origin_by_id: given }: SentArticle, by: number) {
    const origin = given ?? (sender === 'Customer' && type !== 'chat' ? 500 + id : by);
    if (origin === 500 + id) return customer;
    return by === AGENT ? from : 'Gate Way';
  }

  private move(ticket: Ticket, state: string, created_by_id: number): void {
    if (ticket.state === state) return;
    ticket.state = state;
    ticket.history.push({
      object: 'Ticket',
      attribute: 'state',
      value_to: state,
      created_by_id,
      created_at: this.time(),
    });
  }

  private linksOf(id: string): unknown[] {
    const into = this.all.get(Number(id))?.into;
    return into === undefined ? [] : [{ link_type: 'parent', link_object: 'Ticket', link_object_value: into }];
  }

  private fileOf(id: string): FakeAnswer {
    const file = [...this.all.values()]
      .flatMap(({ articles }) => articles.flatMap(({ files }) => files))
      .find((one) => String(one.id) === id);
    return file ? { headers: { 'content-type': file.type }, body: file.content } : { status: 404 };
  }

  private shown({ id, title, state }: Ticket) {
    const more = { group: 'Support', number: `6${id}`, customer_id: 500 + id };
    return { id, title, state, ...more, updated_at: this.time() };
  }

  private called({ id, title }: Ticket): RawRequest {
    const body = JSON.stringify({ ticket: { id, title }, article: {} });
    return rawRequest({ headers: { 'content-type': 'application/json', 'x-zammad-trigger': 'Gateway' }, body });
  }

  private time(): string {
    return new Date(this.now).toISOString();
  }
}

/** As the webhook with this secret signs. */
export function signedBy(secret: string, request: RawRequest): RawRequest {
  const mac = createHmac('sha1', secret).update(request.body).digest('hex');
  return { ...request, headers: { ...request.headers, 'x-hub-signature': `sha1=${mac}` } };
}

function shown({ files, ...article }: Article) {
  const attachments = files.map(({ id, filename, type, content }) => ({
    ...{ id, filename, size: String(content.length) },
    preferences: { 'Mime-Type': type },
  }));
  return { ...article, attachments };
}
