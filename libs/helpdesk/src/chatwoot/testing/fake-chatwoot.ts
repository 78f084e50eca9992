import { createHmac } from 'node:crypto';
import type { RawRequest } from '#transport';
import { rawRequest, type FakeAnswer, type LoggedRequest } from '#transport/testing';
import { formParts, formValues } from '../../testing/form.js';
import type { FakeTicketSystem, SeenTicket, Writing } from '../../testing/index.js';
import type { TicketStatus } from '../../tickets/index.js';

export const IDENTIFIER = 'k9fTq2LwYv4mBz7Rjx1HnPsd';
const [INCOMING, OUTGOING, ACTIVITY] = [0, 1, 2];
const PER_PAGE = 25;
const MESSAGES = 20;
const TYPES: Readonly<Record<string, number>> = { incoming: INCOMING, outgoing: OUTGOING };
const STATUSES = ['open', 'resolved', 'pending', 'snoozed'];

interface File {
  readonly id: number;
  readonly name: string;
  readonly type: string;
  readonly content: Buffer;
}

interface Message {
  readonly id: number;
  readonly created_at: number;
  readonly content: string;
  readonly message_type: number;
  readonly private: boolean;
  readonly source_id?: string | undefined;
  readonly sender: { id: number; name: string; type: string };
  readonly files: readonly File[];
}

interface Conversation {
  readonly id: number;
  readonly source: string;
  readonly contact: number;
  readonly messages: Message[];
  readonly team: number | null;
  custom_attributes: Record<string, unknown>;
  status: string;
  priority: string | null;
}

interface Contact {
  readonly id: number;
  readonly name: string;
  readonly identifier: string;
  readonly email?: string;
  readonly phone_number?: string;
}

type Sent = Record<string, unknown>;

/** Chatwoot 4 as its source has it: account 1, inbox 7 of the channel API, team 3. Time is the suite's. */
export class FakeChatwoot implements FakeTicketSystem {
  readonly all: Conversation[] = [];
  readonly contacts: Contact[] = [];
  /** As its versions before 4.18: attributes are replaced. */
  merges = false;
  role = 'administrator';
  inbox: object = { name: 'Tributary', channel_type: 'Channel::Api', inbox_identifier: IDENTIFIER };
  private readonly files = new Map<number, File>();
  private readonly removed: number[] = [];
  private count = 0;
  base = 'http://chatwoot';

  constructor(
    private readonly token: string,
    private now: number,
  ) {}

  later(ms: number): void {
    this.now += ms;
  }

  /** To mark what status is to come changes none. */
  isWrite({ method, path }: LoggedRequest): boolean {
    return method !== 'GET' && !path.endsWith('/custom_attributes');
  }

  respond(request: LoggedRequest): FakeAnswer {
    const { method, path, headers, query } = request;
    if (headers['host']) this.base = `http://${headers['host']}`;
    const [, first, , , ...inner] = path.split('/');
    if (first === 'rails') return this.fileOf(inner.at(-2) ?? '');
    if (first === 'public') return this.publicly(path);
    if (headers['api_access_token'] !== this.token)
      return { status: 401, body: { errors: ['You need to sign in or sign up before continuing.'] } };
    if (path === '/api/v1/profile') return { body: { id: 5, name: 'Gateway', accounts: [{ id: 1, role: this.role }] } };
    const [account, room, id, what] = inner;
    if (account !== '1') return { status: 404, body: { error: 'Resource could not be found' } };
    const sent = method === 'GET' ? {} : sentBy(request);
    if (room === 'inboxes') return id === '7' ? { body: { id: 7, ...this.inbox } } : MISSING;
    if (room === 'teams') return { body: [{ id: 3, name: 'second level' }] };
    if (room === 'contacts' && id === 'search') return this.search(query.get('q') ?? '');
    if (room === 'contacts') return this.makeContact(sent);
    if (room !== 'conversations') return { status: 404 };
    if (id === undefined) return method === 'POST' ? this.make(sent) : this.list(query);
    const found = this.all.find((one) => String(one.id) === id);
    if (!found) return MISSING;
    if (what === 'messages') return method === 'GET' ? this.read(found, query) : this.write(found, sent);
    if (what === 'custom_attributes') return this.attribute(found, sent);
    if (what === 'toggle_priority') found.priority = String(sent['priority']);
    if (what === 'toggle_status') return this.toggle(found, String(sent['status']));
    return { body: this.shown(found) };
  }

  tickets(): SeenTicket[] {
    return this.all.map(({ id, status, custom_attributes, messages, contact }) => ({
      id: String(id),
      externalId: String(custom_attributes['tributary']),
      subject: `#${id} ${this.contacts.find((one) => one.id === contact)!.name}`,
      fields: custom_attributes as Record<string, string>,
      status: status === 'resolved' ? 'closed' : status === 'open' ? 'open' : 'pending',
      entries: messages
        .filter(({ message_type }) => message_type !== ACTIVITY)
        .map((one) => ({
          ...{ text: one.content, isHtml: false, isPublic: !one.private, files: one.files },
          by: one.sender.type === 'contact' ? 'customer' : one.sender.id === 5 ? 'us' : 'agent',
        })),
    }));
  }

  answer(ticketId: string, writing: Writing): RawRequest {
    return this.say(ticketId, writing, false);
  }

  note(ticketId: string, writing: Writing): RawRequest {
    return this.say(ticketId, writing, true);
  }

  setStatus(ticketId: string, status: TicketStatus): RawRequest {
    const found = this.all.find(({ id }) => String(id) === ticketId)!;
    this.move(found, { open: 'open', pending: 'pending', closed: 'resolved' }[status]);
    return this.called('conversation_status_changed', this.shown(found));
  }

  remove(ticketId: string): void {
    const at = this.all.findIndex(({ id }) => String(id) === ticketId);
    this.removed.push(...this.all.splice(at, 1).map(({ id }) => id));
  }

  ownCallbacks(): RawRequest[] {
    return this.all.flatMap((one) => [
      ...one.messages.map((message) => this.called('message_created', this.message(message))),
      this.called('conversation_status_changed', this.shown(one)),
    ]);
  }

  private say(ticketId: string, { text, author, asUs, files = [] }: Writing, isPrivate: boolean): RawRequest {
    const found = this.all.find(({ id }) => String(id) === ticketId)!;
    const kept = files.map(({ name, mimeType, content }) => this.keep(name, mimeType, content));
    const message = { content: text, message_type: OUTGOING, private: isPrivate, files: kept };
    const sender = { id: asUs ? 5 : 9, name: author, type: 'user' };
    return this.called('message_created', this.message(this.add(found, { ...message, sender })));
  }

  private publicly(path: string): FakeAnswer {
    const [, identifier, source] = /^\/public\/api\/v1\/inboxes\/([^/.]+)\/contacts\/([^/.]+)\/conversations$/.exec(path) ?? []; // prettier-ignore
    const known = identifier === IDENTIFIER && this.sources.has(source ?? '');
    if (!known) return MISSING;
    return { body: this.all.filter((one) => one.source === source).map(({ id, status }) => ({ id, status })) };
  }

  private readonly sources = new Set<string>();

  private search(q: string): FakeAnswer {
    const all = this.contacts.filter((one) => JSON.stringify(one).includes(q));
    return { body: { meta: { count: all.length, current_page: 1 }, payload: all } };
  }

  private makeContact(sent: Sent): FakeAnswer {
    const { name, identifier, email, phone_number } = sent as Partial<Contact>;
    const refuse = (message: string) => ({ status: 422, body: { message, attributes: [] } });
    if (this.contacts.some((one) => one.identifier === identifier)) return refuse('Identifier has already been taken');
    if (email && this.contacts.some((one) => one.email === email)) return refuse('Email has already been taken');
    if (phone_number && !/^\+[1-9]\d{1,14}$/.test(phone_number)) return refuse('Phone number should be in e164 format');
    if (phone_number && this.contacts.some((one) => one.phone_number === phone_number))
      return refuse('Phone number has already been taken');
    const contact = { id: (this.count += 1), name: name!, identifier: identifier!, ...(email && { email }), ...(phone_number && { phone_number }) }; // prettier-ignore
    this.contacts.push(contact);
    return { body: { payload: { contact, contact_inbox: null } } };
  }

  private make(sent: Sent): FakeAnswer {
    const contact = this.contacts.find(({ id }) => id === sent['contact_id']);
    if (!contact || sent['inbox_id'] !== 7) return MISSING;
    const source = String(sent['source_id']);
    this.sources.add(source);
    const made: Conversation = {
      ...{ id: (this.count += 1), source, contact: contact.id, messages: [], status: 'open', priority: null },
      custom_attributes: (sent['custom_attributes'] as Record<string, unknown> | undefined) ?? {},
      team: sent['team_id'] === undefined ? null : Number(sent['team_id']),
    };
    const message = sent['message'] as Sent | undefined;
    if (message) this.write(made, { ...message, files: sent['files'] });
    this.all.push(made);
    return { body: this.shown(made) };
  }

  private list(query: URLSearchParams): FakeAnswer {
    const page = Number(query.get('page') ?? 1);
    const found = this.all.filter(
      ({ status }) => query.get('status') === 'all' || status === (query.get('status') ?? 'open'),
    );
    const payload = [...found].sort(byActivity).slice((page - 1) * PER_PAGE, page * PER_PAGE);
    return { body: { data: { meta: { all_count: found.length }, payload: payload.map((one) => this.shown(one)) } } };
  }

  private read({ messages }: Conversation, query: URLSearchParams): FakeAnswer {
    const before = Number(query.get('before') ?? Infinity);
    const payload = messages.filter(({ id }) => id < before).slice(-MESSAGES);
    return { body: { meta: {}, payload: payload.map((one) => this.message(one)) } };
  }

  private write(found: Conversation, sent: Sent): FakeAnswer {
    const type = TYPES[String(sent['message_type'] ?? 'outgoing')]!;
    const isPrivate = String(sent['private']) === 'true';
    const content = String(sent['content'] ?? '');
    if (content.length > 150_000)
      return { status: 422, body: { message: 'Content is too long (maximum is 150000 characters)' } };
    const files = (sent['files'] as File[] | undefined) ?? [];
    if (files.length > 15) return { status: 422, body: { message: 'Attachments exceeded maximum allowed' } };
    const sender =
      type === INCOMING
        ? { id: found.contact, name: 'customer', type: 'contact' }
        : { id: 5, name: 'Gateway', type: 'user' };
    const source_id = sent['source_id'] as string | undefined;
    const kept = files.map(({ name, type: mimeType, content: bytes }) => this.keep(name, mimeType, bytes));
    const made = this.add(found, { content, message_type: type, private: isPrivate, source_id, sender, files: kept });
    if (type === INCOMING && ['resolved', 'snoozed'].includes(found.status)) this.move(found, 'open');
    return { body: this.message(made) };
  }

  private attribute(found: Conversation, sent: Sent): FakeAnswer {
    const own = sent['custom_attributes'] as Record<string, unknown>;
    found.custom_attributes = this.merges && sent['merge'] ? { ...found.custom_attributes, ...own } : own;
    return { body: { custom_attributes: found.custom_attributes } };
  }

  private toggle(found: Conversation, status: string): FakeAnswer {
    if (!STATUSES.includes(status)) return { status: 422, body: { error: `'${status}' is not a valid status` } };
    this.move(found, status);
    return { body: { meta: {}, payload: { success: true, current_status: status, conversation_id: found.id } } };
  }

  private move(found: Conversation, status: string): void {
    found.status = status;
    const words = { content: `Conversation was marked ${status} by somebody`, message_type: ACTIVITY, private: false };
    this.add(found, { ...words, sender: { id: 0, name: '', type: '' }, files: [] });
  }

  private add(found: Conversation, message: Omit<Message, 'id' | 'created_at'>): Message {
    const made = { ...message, id: (this.count += 1), created_at: Math.floor(this.now / 1000) };
    found.messages.push(made);
    return made;
  }

  private keep(name: string, type: string, content: Buffer): File {
    const file = { id: (this.count += 1), name, type, content };
    this.files.set(file.id, file);
    return file;
  }

  private fileOf(id: string): FakeAnswer {
    const file = this.files.get(Number(id));
    return file ? { headers: { 'content-type': file.type }, body: file.content } : { status: 404 };
  }

  private shown({ id, status, custom_attributes, priority, messages }: Conversation) {
    return {
      id,
      status,
      custom_attributes,
      priority,
      inbox_id: 7,
      account_id: 1,
      last_activity_at: messages.at(-1)?.created_at ?? 0,
      created_at: messages[0]?.created_at ?? 0,
    };
  }

  private message({ files, sender, private: isPrivate, ...message }: Message) {
    return {
      ...{ ...message, private: isPrivate, content_type: 'text', content_attributes: {} },
      ...(sender.type && { sender }),
      ...(files.length > 0 && {
        attachments: files.map(({ id, name }) => ({
          ...{ id, file_type: 'file', extension: null },
          data_url: `${this.base}/rails/active_storage/blobs/redirect/${id}/${encodeURIComponent(name)}`,
        })),
      }),
    };
  }

  private called(event: string, data: object): RawRequest {
    const at = String(Math.floor(this.now / 1000));
    const headers = { 'content-type': 'application/json', 'x-chatwoot-timestamp': at };
    return rawRequest({ headers, body: JSON.stringify({ event, ...data }) });
  }
}

/** As the webhook with this secret signs. */
export function signedBy(secret: string, request: RawRequest): RawRequest {
  const at = request.headers['x-chatwoot-timestamp'] ?? '';
  const mac = createHmac('sha256', secret).update(`${at}.`).update(request.body).digest('hex');
  return { ...request, headers: { ...request.headers, 'x-chatwoot-signature': `sha256=${mac}` } };
}

const MISSING = { status: 404, body: { error: 'Resource could not be found' } };

function sentBy({ headers, body }: LoggedRequest): Sent {
  const type = headers['content-type'] ?? '';
  if (!type.startsWith('multipart/')) return JSON.parse(body.toString()) as Sent;
  const parts = formParts(type, body);
  const files = parts.flatMap(({ filename, type: mimeType, content }) =>
    filename === null ? [] : { id: 0, name: filename, type: mimeType, content },
  );
  return { ...formValues(parts), files };
}

/** The one that changed last first. */
function byActivity(a: Conversation, b: Conversation): number {
  return (b.messages.at(-1)?.id ?? b.id) - (a.messages.at(-1)?.id ?? a.id);
}
