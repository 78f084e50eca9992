import type { FakeAnswer, LoggedRequest } from '#transport/testing';
import type { FakeTicketSystem, SeenEntry, SeenTicket, Writing } from '../../testing/index.js';
import type { TicketStatus } from '../../tickets/index.js';

const STATUSES = [
  { id: 1, name: 'New', is_closed: false },
  { id: 4, name: 'Feedback', is_closed: false },
  { id: 5, name: 'Closed', is_closed: true },
];
const GATEWAY = { id: 5, name: 'Gate Way' };
const AGENT = 6;

interface Journal {
  readonly id: number;
  readonly user: { readonly id: number; readonly name: string };
  readonly notes: string;
  readonly private_notes: boolean;
  readonly created_on: string;
  readonly details: { property: string; name: string; old_value: null; new_value: string }[];
}

interface Issue {
  readonly id: number;
  readonly subject: string;
  readonly description: string;
  /** Default: we. */
  readonly author?: Journal['user'];
  readonly custom_fields: { id: number; value: string }[];
  readonly attachments: File[];
  readonly journals: Journal[];
  status: number;
}

interface File {
  readonly id: number;
  readonly filename: string;
  readonly content_type: string;
  readonly content: Buffer;
  readonly token: string;
}

interface Sent {
  subject?: string;
  description?: string;
  notes?: string;
  private_notes?: boolean;
  status_id?: number;
  custom_fields?: { id: number; value: string }[];
  uploads?: { token: string; filename: string; content_type: string }[];
}

/** Redmine 5.0 as it was seen to answer: one project `support`, custom fields 1 and 2, files of up to 5 MiB. */
export class FakeRedmine implements FakeTicketSystem {
  /** Steps of the workflow that are not allowed: Redmine says nothing of it. */
  readonly forbidden = new Set<number>();
  rights = ['view_issues', 'add_issues', 'edit_issues', 'add_issue_notes', 'set_notes_private', 'view_private_notes'];
  /** Members who report issues, and add notes. */
  readonly customers: number[] = [];
  private readonly issues = new Map<number, Issue>();
  private readonly files = new Map<string, File>();
  private count = 0;
  private notes = 0;

  constructor(
    private readonly key: string,
    private readonly now: number,
  ) {}

  isWrite({ method, path }: LoggedRequest): boolean {
    return method !== 'GET' && path !== '/uploads.json';
  }

  respond(request: LoggedRequest): FakeAnswer {
    const { method, path, headers } = request;
    if (headers['x-redmine-api-key'] !== this.key) return { status: 401 };
    const [, room = '', name = '', last = ''] = path.split('/');
    if (method === 'GET') return this.read(room, { name, last, request });
    const sent = (path === '/uploads.json' ? {} : (JSON.parse(request.body.toString()) as { issue: Sent }).issue) ?? {};
    if (path === '/uploads.json') return this.upload(request);
    if (method === 'POST' && room === 'projects') return name === 'support' ? this.create(sent) : { status: 404 };
    const issue = this.issues.get(Number.parseInt(name, 10));
    if (method !== 'PUT' || !issue) return { status: 404 };
    this.change(issue, sent, GATEWAY);
    return { status: 204 };
  }

  tickets(): SeenTicket[] {
    return [...this.issues.values()].map((issue) => ({
      id: String(issue.id),
      externalId: /\[(\S+)[^\][]*\]$/.exec(issue.description)?.[1] ?? '',
      subject: issue.subject,
      status: issue.status === 5 ? 'closed' : issue.status === 4 ? 'pending' : 'open',
      entries: [this.opening(issue), ...issue.journals.filter(isNote).map((journal) => this.entryOf(journal, issue))],
      fields: Object.fromEntries(issue.custom_fields.map(({ id, value }) => [String(id), value])),
    }));
  }

  answer(ticketId: string, writing: Writing): null {
    return this.write(ticketId, writing, false);
  }

  note(ticketId: string, writing: Writing): null {
    return this.write(ticketId, writing, true);
  }

  setStatus(ticketId: string, status: TicketStatus): null {
    const status_id = { open: 1, pending: 4, closed: 5 }[status];
    this.change(this.issues.get(Number(ticketId))!, { status_id }, { id: AGENT, name: 'Ann Agent' });
    return null;
  }

  /** Somebody else than an agent adds a note, on the portal or by mail. */
  adds(ticketId: string, notes: string, user: { id: number; name: string }): void {
    this.change(this.issues.get(Number(ticketId))!, { notes }, user);
  }

  remove(ticketId: string): void {
    this.issues.delete(Number(ticketId));
  }

  private write(ticketId: string, { text, author, asUs, files = [] }: Writing, isPrivate: boolean): null {
    const uploads = files.map((file) => {
      const { token } = this.keep(file.name, file.content);
      return { token, filename: file.name, content_type: file.mimeType };
    });
    const sent = { notes: text, private_notes: isPrivate, uploads };
    this.change(this.issues.get(Number(ticketId))!, sent, { id: asUs ? GATEWAY.id : AGENT, name: author });
    return null;
  }

  private read(
    room: string,
    { name, last, request }: { name: string; last: string; request: LoggedRequest },
  ): FakeAnswer {
    if (room === 'issues.json') return { body: { issues: this.found(request.query) } };
    if (room === 'issue_statuses.json') return { body: { issue_statuses: STATUSES } };
    if (room === 'trackers.json') return { body: { trackers: [{ id: 3, name: 'Support' }] } };
    if (room === 'enumerations') return { body: { issue_priorities: PRIORITIES } };
    if (room === 'users') return { body: { user: { ...GATEWAY, login: 'gateway', memberships: MEMBERSHIPS } } };
    if (room === 'roles')
      return {
        body: { role: { id: Number.parseInt(name, 10), permissions: name === '3.json' ? this.rights : REPORTER } },
      };
    if (last === 'memberships.json') return this.members(name, request.query);
    if (room === 'projects') return name === 'support.json' ? { body: { project: PROJECT } } : { status: 404 };
    if (room === 'attachments') {
      const file = [...this.files.values()].find(({ id }) => String(id) === last);
      return file ? { headers: { 'content-type': file.content_type }, body: file.content } : { status: 404 };
    }
    const issue = this.issues.get(Number.parseInt(name, 10));
    return room === 'issues' && issue ? { body: { issue: this.shown(issue) } } : { status: 404 };
  }

  private members(project: string, query: URLSearchParams): FakeAnswer {
    const all = [GATEWAY.id, AGENT, ...this.customers].map((id) => ({
      ...{ id: 20 + id, project: { id: 1, name: 'Support' }, user: { id, name: 'x' } },
      roles: [{ id: this.customers.includes(id) ? 4 : 3, name: 'x' }],
    }));
    const group = { id: 19, project: { id: 1, name: 'Support' }, group: { id: 30, name: 'All' }, roles: [{ id: 3, name: 'x' }] }; // prettier-ignore
    const [offset, limit] = [Number(query.get('offset')), Number(query.get('limit'))];
    return project === '1' ? { body: { memberships: [group, ...all].slice(offset, offset + limit) } } : { status: 404 };
  }

  /** By words of the description, or by the time of the last change. */
  private found(query: URLSearchParams): unknown[] {
    const word = query.get('v[description][]')?.toLowerCase();
    const since = query.get('updated_on')?.slice(2);
    const of = [...this.issues.values()].filter(
      (issue) =>
        (word === undefined || issue.description.toLowerCase().includes(word)) &&
        (since === undefined || this.time() >= since),
    );
    const [offset, limit] = [Number(query.get('offset') ?? 0), Number(query.get('limit') ?? 25)];
    return of
      .slice(offset, offset + limit)
      .map((issue) => ({ ...this.shown(issue), journals: undefined, attachments: undefined }));
  }

  /** An agent makes a copy of an issue, its description with it. */
  copy(ticketId: string): string {
    const id = (this.count += 1);
    const { subject, description } = this.issues.get(Number(ticketId))!;
    const author = { id: AGENT, name: 'Ann Agent' };
    const rest = { custom_fields: [], status: 1, journals: [], attachments: [] };
    this.issues.set(id, { id, subject, description, author, ...rest });
    return String(id);
  }

  private shown({ id, subject, description, author = GATEWAY, attachments, journals, status }: Issue) {
    return {
      ...{ id, subject, description, journals, project: { id: 1, name: 'Support' }, author },
      attachments: attachments.map(({ content, token, ...file }) => ({ ...file, filesize: content.length })),
      status: STATUSES.find((one) => one.id === status),
      updated_on: this.time(),
    };
  }

  private create({ subject, description = '', custom_fields = [], uploads = [] }: Sent): FakeAnswer {
    if (!subject) return { status: 422, body: { errors: ['Subject cannot be blank'] } };
    const id = (this.count += 1);
    const attachments = uploads.map((upload) => this.attached(upload));
    this.issues.set(id, { id, subject, description, custom_fields, status: 1, journals: [], attachments });
    return { status: 201, body: { issue: { id, project: { id: 1, name: 'Support' } } } };
  }

  private change(
    issue: Issue,
    { notes = '', private_notes = false, status_id, custom_fields = [], uploads = [] }: Sent,
    user: Journal['user'],
  ): void {
    for (const field of custom_fields) {
      const at = issue.custom_fields.findIndex(({ id }) => id === field.id);
      issue.custom_fields.splice(at < 0 ? 0 : at, at < 0 ? 0 : 1, field);
    }
    const details = uploads.map((upload) => {
      const file = this.attached(upload);
      issue.attachments.push(file);
      return { property: 'attachment', name: String(file.id), old_value: null, new_value: file.filename };
    });
    if (status_id !== undefined && status_id !== issue.status && !this.forbidden.has(status_id)) {
      details.push({ property: 'attr', name: 'status_id', old_value: null, new_value: String(status_id) });
      issue.status = status_id;
    }
    if (notes === '' && details.length === 0) return;
    issue.journals.push({ id: (this.notes += 1), user, notes, private_notes, created_on: this.time(), details });
  }

  private upload({ query, body, headers }: LoggedRequest): FakeAnswer {
    if (headers['content-type'] !== 'application/octet-stream') return { status: 406 };
    if (body.length > 5_242_880)
      return {
        status: 422,
        body: { errors: ['This file cannot be uploaded because it exceeds the maximum allowed file size (5242880)'] },
      };
    return { status: 201, body: { upload: { token: this.keep(query.get('filename') ?? '', body).token } } };
  }

  private keep(filename: string, content: Buffer): File {
    const id = this.files.size + 1;
    const file = { id, filename, content, content_type: 'application/octet-stream', token: `${id}.0f1e` };
    this.files.set(file.token, file);
    return file;
  }

  private attached({ token, filename, content_type }: { token: string; filename: string; content_type: string }): File {
    const file = { ...this.files.get(token)!, filename, content_type };
    this.files.set(token, file);
    return file;
  }

  private opening({ description, attachments, journals }: Issue): SeenEntry {
    const later = new Set(journals.flatMap(({ details }) => details.map(({ name }) => name)));
    const files = attachments.filter(({ id }) => !later.has(String(id)));
    return { text: description, isHtml: false, isPublic: true, by: 'us', files: files.map(seenFile) };
  }

  private entryOf({ notes, private_notes, user, details }: Journal, { attachments }: Issue): SeenEntry {
    const names = details.filter(({ property }) => property === 'attachment').map(({ name }) => name);
    const files = attachments.filter(({ id }) => names.includes(String(id))).map(seenFile);
    return { text: notes, isHtml: false, isPublic: !private_notes, by: user.id === GATEWAY.id ? 'us' : 'agent', files };
  }

  private time(): string {
    return `${new Date(this.now).toISOString().slice(0, 19)}Z`;
  }
}

const PRIORITIES = ['Low', 'Normal', 'High', 'Urgent', 'Immediate'].map((name, n) => ({
  id: n + 1,
  name,
  is_default: n === 1,
}));
const MEMBERSHIPS = [{ id: 1, project: { id: 1, name: 'Support' }, roles: [{ id: 3, name: 'Manager' }] }];
const PROJECT = { id: 1, name: 'Support', identifier: 'support', trackers: [{ id: 3, name: 'Support' }], issue_custom_fields: [{ id: 1, name: 'Company' }, { id: 2, name: 'Link' }] }; // prettier-ignore

const REPORTER = ['view_issues', 'add_issues', 'add_issue_notes'];

function isNote({ notes, details }: Journal): boolean {
  return notes !== '' || details.some(({ property }) => property === 'attachment');
}

function seenFile({ filename, content }: File): { name: string; content: Buffer } {
  return { name: filename, content };
}
