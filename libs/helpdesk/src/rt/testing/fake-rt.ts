import type { FakeAnswer, LoggedRequest } from '#transport/testing';
import type { TicketStatus } from '../../tickets/index.js';
import {
  added,
  page,
  says,
  takes,
  type Attachment,
  type Content,
  type Filter,
  type Ticket,
  type Transaction,
} from './rt-shapes.js';
import type { FakeTicketSystem, SeenTicket, Writing } from '../../testing/index.js';

const STATUSES = { open: 'open', pending: 'stalled', closed: 'resolved' } as const;

/** RT 5 as its REST interface behaves, seen on 5.0.3: what it refuses, what it takes without doing it, how it lists. */
export class FakeRt implements FakeTicketSystem {
  readonly users = new Map<string, { id: number; real: string; privileged?: boolean }>([
    ['RT_System', { id: 1, real: 'The RT System itself' }],
    ['gateway', { id: 27, real: '', privileged: true }],
    ['agent', { id: 30, real: '', privileged: true }],
  ]);
  /** What our user may: what it may not is refused as RT does that. */
  rights = new Set(['SeeQueue', 'CreateTicket', 'ModifyTicket', 'AdminUsers']);
  customFields = ['Customer company', 'Gateway'];
  /** What becomes of writes while its disk is full: it says that it cannot, or it says that it did and keeps nothing. */
  full: false | 'refuses' | 'pretends' = false;
  /** It keeps the words of an entry without its files. */
  drops = false;
  readonly kept = new Map<number, Ticket>();
  private readonly transactions: Transaction[] = [];
  private readonly attachments: Attachment[] = [];

  constructor(
    private readonly token: string,
    private readonly now: number,
  ) {}

  isWrite({ method, path }: LoggedRequest): boolean {
    return method !== 'GET' && !/\/(transactions|attachments)$/.test(path);
  }

  respond(request: LoggedRequest): FakeAnswer {
    if (request.headers.authorization !== `token ${this.token}`) return says(401, 'Unauthorized');
    const [room, id, what] = request.path
      .replace(/^\/REST\/2\.0\//, '')
      .split('/')
      .map(decodeURIComponent);
    const body = (request.body.length > 0 ? JSON.parse(request.body.toString()) : {}) as never;
    if (this.full && this.isWrite(request)) return this.notKept(id === undefined ? room! : (what ?? 'put'));
    if (room === 'rt') return { body: { Version: '5.0.3', Plugins: [] } };
    if (room === 'queue') return this.queue(id!);
    if (room === 'user') return request.method === 'GET' ? this.user(id!) : this.makeUser(body);
    if (room === 'ticket' && id === undefined) return this.make(body);
    if (room === 'ticket') return this.onTicket(request, Number(id), { what, body });
    if (room === 'tickets') return this.search(request.query.get('query') ?? '');
    if (room === 'transactions') return this.list(request, this.filtered(body));
    if (room === 'attachments') return this.listAttachments(request, body);
    if (room === 'attachment') return this.attachment(Number(id));
    return says(404, 'Not Found');
  }

  tickets(): SeenTicket[] {
    return [...this.kept.values()]
      .filter(({ id, status, effective }) => status !== 'deleted' && effective === id)
      .map((ticket) => ({
        id: String(ticket.id),
        externalId: ticket.links.find((link) => link.startsWith('tributary:'))?.slice('tributary:'.length) ?? '',
        subject: ticket.subject,
        status: ['resolved', 'rejected'].includes(ticket.status)
          ? 'closed'
          : ticket.status === 'stalled'
            ? 'pending'
            : 'open',
        fields: ticket.fields,
        entries: this.transactions
          .filter((one) => this.effective(one.ticket) === ticket.id && /^C/.test(one.type))
          .map((one) => this.entry(one)),
      }));
  }

  answer(ticketId: string, writing: Writing): null {
    return this.write(Number(ticketId), 'Correspond', writing);
  }

  note(ticketId: string, writing: Writing): null {
    return this.write(Number(ticketId), 'Comment', writing);
  }

  setStatus(ticketId: string, status: TicketStatus): null {
    this.move(this.kept.get(Number(ticketId))!, STATUSES[status], 'agent');
    return null;
  }

  remove(ticketId: string): void {
    this.kept.get(Number(ticketId))!.status = 'deleted';
  }

  merge(ticketId: string, into: string): void {
    const [from, to] = [this.kept.get(Number(ticketId))!, this.kept.get(Number(into))!];
    from.effective = to.id;
    to.links.push(...from.links);
  }

  /** The customer answers a mail of RT, or somebody else writes one that names the ticket: RT makes a user of them. */
  mails(ticketId: string, text: string, from = this.kept.get(Number(ticketId))!.requestors[0]!): void {
    if (!this.users.has(from)) this.users.set(from, { id: 100 + this.users.size, real: from });
    this.add(Number(ticketId), 'Correspond', {
      creator: from,
      content: { Content: text, ContentType: 'text/plain' },
    });
  }

  /** Seen on 5.0.3 with a full disk, depending on where the write fails. */
  private notKept(what: string): FakeAnswer {
    const pretends = this.full === 'pretends';
    if (what === 'put') return { body: pretends ? [] : ['Ticket 1: Status could not be set to resolved.'] };
    if (what === 'user') return pretends ? { status: 201, body: { type: 'user' } } : says(400, 'Could not create user');
    if (what === 'ticket')
      return pretends
        ? { status: 201, body: { id: '900', type: 'ticket' } }
        : says(400, 'Ticket could not be created due to an internal error');
    return pretends ? added(900) : says(400, 'Message could not be recorded');
  }

  private queue(name: string): FakeAnswer {
    if (name !== 'General' || !this.rights.has('SeeQueue')) return says(403, 'Forbidden');
    const links = [
      { ref: 'self', _url: 'x' },
      ...(this.rights.has('CreateTicket') ? [{ ref: 'create', _url: 'x' }] : []),
    ];
    return {
      body: {
        id: 1,
        Name: name,
        TicketCustomFields: this.customFields.map((field, id) => ({ id: String(id), name: field })),
        _hyperlinks: links,
      },
    };
  }

  private user(name: string): FakeAnswer {
    const byNumber = [...this.users].find(([, { id }]) => /^\d+$/.test(name) && id === Number(name));
    const user = byNumber?.[1] ?? this.users.get(name);
    return user
      ? { body: { id: user.id, Name: byNumber?.[0] ?? name, RealName: user.real, Privileged: user.privileged ? 1 : 0 } }
      : says(404, 'Not Found');
  }

  private makeUser({ Name, RealName = '' }: { Name?: string; RealName?: string }): FakeAnswer {
    if (!this.rights.has('AdminUsers')) return says(403, 'Permission denied');
    if (!Name) return says(400, "Must specify 'Name' attribute");
    if (this.users.has(Name)) return says(400, 'Name in use');
    this.users.set(Name, { id: 100 + this.users.size, real: RealName });
    return { status: 201, body: { id: Name, type: 'user' } };
  }

  private make(
    body: Content & {
      Queue: string;
      Subject: string;
      Requestor?: string[];
      RefersTo?: string[];
      CustomFields?: Record<string, string>;
    },
  ): FakeAnswer {
    if (body.Queue !== 'General' || !this.rights.has('CreateTicket'))
      return says(403, `No permission to create tickets in the queue '${body.Queue}'`);
    if (!takes(body)) return { status: 500 };
    const id = this.kept.size + 1;
    const known = Object.entries(body.CustomFields ?? {}).filter(([name]) => this.customFields.includes(name));
    this.kept.set(id, {
      id,
      subject: body.Subject,
      requestors: body.Requestor ?? [],
      ccs: [],
      links: [...(body.RefersTo ?? [])],
      fields: Object.fromEntries(known),
      status: 'new',
      effective: id,
    });
    this.add(id, 'Create', { creator: 'gateway', content: body });
    return { status: 201, body: { id: String(id), type: 'ticket', _url: `/REST/2.0/ticket/${id}` } };
  }

  private onTicket(
    { method, ...request }: LoggedRequest,
    id: number,
    { what, body }: { what: string | undefined; body: Content & { Status?: string; CustomFields?: object } },
  ): FakeAnswer {
    const ticket = this.kept.get(this.effective(id));
    if (what === 'history')
      return this.list(
        { method, ...request },
        ticket ? this.transactions.filter((one) => this.effective(one.ticket) === ticket.id).reverse() : [],
      );
    if (what === 'correspond' || what === 'comment') {
      if (!ticket) return says(400, 'Message could not be recorded');
      if (!body.Content && !body.Attachments?.length)
        return says(400, 'ContentType is a required field for application/json');
      if (!takes(body)) return { status: 500 };
      const made = this.add(ticket.id, what === 'comment' ? 'Comment' : 'Correspond', {
        creator: 'gateway',
        content: body,
      });
      if (what === 'correspond' && ticket.status === 'new') this.move(ticket, 'open', 'RT_System');
      return added(made);
    }
    if (!ticket) return says(404, 'Not Found');
    if (method === 'PUT') {
      if (!this.rights.has('ModifyTicket')) return { body: [`Ticket ${id}: Permission Denied`] };
      Object.assign(ticket.fields, body.CustomFields);
      if (body.Status) this.move(ticket, body.Status, 'gateway');
      return { body: [`Ticket ${id}: Status changed`] };
    }
    const links = ticket.links.map((link) => ({ ref: 'refers-to', type: 'external', _url: link }));
    const people = ticket.requestors.map((name) => ({ type: 'user', id: name }));
    return {
      body: {
        id: ticket.id,
        Status: ticket.status,
        EffectiveId: { type: 'ticket', id: String(ticket.id) },
        Requestor: people,
        Cc: ticket.ccs.map((name) => ({ type: 'user', id: name })),
        _hyperlinks: [{ ref: 'self', _url: 'x' }, ...links],
      },
    };
  }

  private search(query: string): FakeAnswer {
    const [, uri] = /^RefersTo = '([^']+)'$/.exec(query) ?? [];
    if (!uri) return says(400, 'Unknown field');
    const found = [...this.kept.values()].filter(
      ({ links, status, id, effective }) => links.includes(uri) && status !== 'deleted' && id === effective,
    );
    return { body: { items: found.map(({ id }) => ({ type: 'ticket', id: String(id) })) } };
  }

  private filtered(filters: readonly Filter[]): Transaction[] {
    const wanted = (field: string) => filters.filter((one) => one.field === field).map(({ value }) => value);
    const from = filters.find(({ field }) => field === 'Created')?.value;
    const not = filters.find(({ field, operator }) => field === 'Creator' && operator === '!=')?.value;
    return this.transactions.filter(
      ({ type, created, creator }) =>
        (wanted('Type').length === 0 || wanted('Type').includes(type)) &&
        (!from || created >= `${from.replace(' ', 'T')}Z`) &&
        (!not || String(this.users.get(creator)?.id) !== not),
    );
  }

  private list({ query }: LoggedRequest, all: readonly Transaction[]): FakeAnswer {
    const fields = (query.get('fields') ?? '').split(',');
    const ofCreator = (query.get('fields[Creator]') ?? '').split(',');
    const ordered =
      query.get('order') === 'DESC' ? [...all].sort((a, b) => b.id - a.id) : [...all].sort((a, b) => a.id - b.id);
    const items = page(ordered, query).map(({ id, ticket, type, creator, created, from, to }) => {
      const shown = {
        Type: type,
        ObjectId: String(this.effective(ticket)),
        Created: created,
        OldValue: from ?? '',
        NewValue: to ?? '',
        Creator: { type: 'user', id: creator, ...this.creator(creator, ofCreator) },
      };
      return {
        type: 'transaction',
        id: String(id),
        ...Object.fromEntries(Object.entries(shown).filter(([name]) => fields.includes(name))),
      };
    });
    return { body: { items, count: items.length, total: null, pages: null } };
  }

  private creator(name: string, fields: readonly string[]) {
    const { id, real: RealName } = this.users.get(name) ?? { id: 0, real: '' };
    return Object.fromEntries(Object.entries({ id, Name: name, RealName }).filter(([field]) => fields.includes(field)));
  }

  private listAttachments({ query }: LoggedRequest, filters: readonly Filter[]): FakeAnswer {
    const wanted = (field: string) => filters.filter((one) => one.field === field).map(({ value }) => value);
    const found = this.attachments.filter(
      ({ transaction, type }) =>
        wanted('TransactionId').includes(String(transaction)) &&
        (wanted('ContentType').length === 0 || wanted('ContentType').includes(type)),
    );
    const content = query.get('fields')?.includes('Content,') || query.get('fields')?.endsWith(',Content');
    const items = page(found, query).map((one) => ({
      ...{
        type: 'attachment',
        id: String(one.id),
        TransactionId: String(one.transaction),
        ContentType: one.type,
        Filename: one.name,
      },
      ...(content && { Content: one.content.toString() }),
    }));
    return { body: { items, count: items.length } };
  }

  private attachment(id: number): FakeAnswer {
    const found = this.attachments.find((one) => one.id === id);
    return found
      ? {
          body: {
            id,
            ContentType: found.type,
            Filename: found.name,
            Content: found.content.toString('base64').replace(/(.{76})/g, '$1\n'),
          },
        }
      : says(404, 'Not Found');
  }

  private effective(id: number): number {
    return this.kept.get(id)?.effective ?? id;
  }

  private write(ticket: number, type: 'Correspond' | 'Comment', { text, author, asUs, files = [] }: Writing): null {
    this.users.set('agent', { id: 30, real: author, privileged: true });
    const Attachments = files.map(({ name, mimeType, content }) => ({
      FileName: Buffer.from(name).toString('latin1'),
      FileType: mimeType,
      FileContent: content.toString('base64'),
    }));
    const quote = '<blockquote>On Sat Nov 21 2026, customer wrote: hello</blockquote>';
    const escaped = text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/\n/g, '<br>');
    this.add(ticket, type, {
      creator: asUs ? 'gateway' : 'agent',
      content: { ...(text && { Content: `<p>${escaped}</p>${quote}`, ContentType: 'text/html' }), Attachments },
    });
    return null;
  }

  private add(
    ticket: number,
    type: Transaction['type'],
    { creator, content }: { creator: string; content: Content },
  ): number {
    const transaction = this.told(ticket, { type, creator });
    const { Content, ContentType = 'text/plain', Attachments: files = [] } = content;
    const Attachments = this.drops ? [] : files;
    const keep = (attachment: Omit<Attachment, 'id' | 'transaction'>) =>
      this.attachments.push({ ...attachment, id: this.attachments.length + 1, transaction });
    if (Attachments.length > 0) keep({ type: 'multipart/mixed', name: '', content: Buffer.alloc(0) });
    if (Content !== undefined) keep({ type: ContentType, name: '', content: Buffer.from(Content) });
    for (const { FileName, FileType, FileContent } of Attachments)
      keep({
        type: FileType,
        name: Buffer.from(FileName, 'latin1').toString(),
        content: Buffer.from(FileContent, 'base64'),
      });
    return transaction;
  }

  private move(ticket: Ticket, status: string, creator: string): void {
    if (ticket.status === status) return;
    this.told(ticket.id, { type: 'Status', creator, from: ticket.status, to: status });
    ticket.status = status;
  }

  private told(ticket: number, what: Pick<Transaction, 'type' | 'creator' | 'from' | 'to'>): number {
    const id = this.transactions.length + 1;
    this.transactions.push({
      id,
      ticket,
      created: new Date(this.now + id * 1_000).toISOString().replace('.000', ''),
      ...what,
    });
    return id;
  }

  private entry({ id, type, creator }: Transaction): SeenTicket['entries'][number] {
    const all = this.attachments.filter(({ transaction }) => transaction === id);
    const body = all.find(({ name, type: mime }) => !name && mime.startsWith('text/'));
    return {
      text: body?.content.toString() ?? '',
      isHtml: body?.type === 'text/html',
      isPublic: type !== 'Comment',
      by: creator === 'gateway' ? 'us' : creator === 'agent' ? 'agent' : 'customer',
      files: all.filter(({ name }) => name).map(({ name, content }) => ({ name, content })),
    };
  }
}
