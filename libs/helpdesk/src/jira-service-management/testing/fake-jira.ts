import { createHmac } from 'node:crypto';
import type { RawRequest } from '#transport';
import { rawRequest, type FakeAnswer, type LoggedRequest } from '#transport/testing';
import { formParts } from '../../testing/form.js';
import type { FakeTicketSystem, SeenTicket, Writing } from '../../testing/index.js';
import type { TicketStatus } from '../../tickets/index.js';
import type { Comment, File, Issue, Person } from './jira-shapes.js';
import { shownWiki } from './wiki.js';
import { textOf } from '../jira-service-management.text.js';

const GATEWAY = { accountId: '5b10:gateway', displayName: 'Gateway', accountType: 'atlassian' };
const STATUSES = [
  { id: '10001', name: 'Waiting for support', statusCategory: { key: 'indeterminate' } },
  { id: '10002', name: 'Waiting for customer', statusCategory: { key: 'indeterminate' } },
  { id: '10003', name: 'Resolved', statusCategory: { key: 'done' } },
];
const TO: Readonly<Record<TicketStatus, string>> = { open: '10001', pending: '10002', closed: '10003' };
const MOST_TEXT = 32_767;

type Sent = unknown;

/** A site of Jira Cloud with the service project SUP, request types 12 and 13, fields customfield_1 and customfield_2. Its index knows a request once it is told to. */
export class FakeJira implements FakeTicketSystem {
  readonly all = new Map<string, Issue>();
  readonly customers = new Map<string, Person>();
  readonly rights = new Set(['BROWSE_PROJECTS', 'CREATE_ISSUES', 'ADD_COMMENTS', 'CREATE_ATTACHMENTS', 'TRANSITION_ISSUES', 'ASSIGN_ISSUES', 'EDIT_ISSUES']); // prettier-ignore
  readonly required: string[] = [];
  readonly forbidden = new Set<string>();
  asksResolution = false;
  /** Does a list of comments give their properties? */
  expands = true;
  private readonly indexed = new Set<string>();
  private readonly uploads = new Map<string, File>();
  private readonly files = new Map<string, File>();
  private count = 10_000;
  private numbers = 0;

  constructor(
    private readonly user: string,
    private readonly token: string,
    private readonly now: number,
  ) {}

  isWrite({ method, path }: LoggedRequest): boolean {
    return method !== 'GET' && !/bulkfetch|attachTemporaryFile|customer$|comment\/list/.test(path);
  }

  /** The index takes in all that there is. */
  catchUp(): void {
    for (const id of this.all.keys()) this.indexed.add(id);
  }

  /** Numbers that were given away to requests that are no more. */
  skip(numbers: number): void {
    this.numbers += numbers;
  }

  respond(request: LoggedRequest): FakeAnswer {
    const { path, headers } = request;
    if (path.startsWith('/media/')) return this.media(path.slice(7));
    if (headers['authorization'] !== `Basic ${Buffer.from(`${this.user}:${this.token}`).toString('base64')}`)
      return { status: 401, body: 'Client must be authenticated to access this resource.' };
    if (path.startsWith('/rest/api/3/')) return this.platform(path.slice(12).split('/'), request);
    if (path.startsWith('/rest/servicedeskapi/')) return this.service(path.slice(21).split('/'), request);
    return { status: 404 };
  }

  tickets(): SeenTicket[] {
    return [...this.all.values()].map((one) => ({
      id: one.id,
      externalId: /\[([^\s\][]+)[^\][]*\]\s*$/.exec(textOf(one.description))?.[1] ?? '',
      subject: one.summary,
      fields: one.fields,
      status: (Object.keys(TO) as TicketStatus[]).find((status) => TO[status] === one.status)!,
      entries: [
        { text: textOf(one.description), isHtml: false, isPublic: true, by: 'us', files: [] },
        ...one.comments.map(({ text, isPublic, author, files }) => ({
          ...{ text, isHtml: false, isPublic },
          by: author === GATEWAY ? ('us' as const) : ('agent' as const),
          files: files.map(({ filename: name, content }) => ({ name, content })),
        })),
      ],
    }));
  }

  answer(ticketId: string, writing: Writing): RawRequest {
    return this.say(ticketId, writing, true);
  }

  note(ticketId: string, writing: Writing): RawRequest {
    return this.say(ticketId, writing, false);
  }

  setStatus(ticketId: string, status: TicketStatus): RawRequest {
    const found = this.all.get(ticketId)!;
    this.move(found, TO[status], agent('Ann'));
    return this.called('jira:issue_updated', found);
  }

  /** A customer writes on the portal: without an account of Atlassian, or with one; or an app of the site does. */
  portal(ticketId: string, text: string, accountType: 'customer' | 'atlassian' | 'app' = 'customer'): void {
    const author = { accountId: 'qm:customer', displayName: 'Wang', accountType };
    this.comment(this.all.get(ticketId)!, { author, text, isPublic: true, properties: [], files: [] });
  }

  remove(ticketId: string): void {
    this.all.delete(ticketId);
  }

  ownCallbacks(): RawRequest[] {
    return [...this.all.values()].flatMap((one) => [
      ...one.comments.map(() => this.called('comment_created', one)),
      this.called('jira:issue_updated', one),
    ]);
  }

  private platform([room = '', id = '', what = '', inner = '']: string[], request: LoggedRequest): FakeAnswer {
    const { method, query } = request;
    if (room === 'myself') return { body: GATEWAY };
    if (room === 'status') return { body: STATUSES };
    if (room === 'mypermissions') return { body: { permissions: this.permissions(query) } };
    if (room === 'project') return { body: [{ id: '1', name: 'Service Request', statuses: STATUSES }] };
    if (room === 'search') return this.search(query);
    if (room === 'user') return this.assignable(query.get('accountId') ?? '');
    if (room === 'attachment') return { status: 303, headers: { location: `/media/${what}` } };
    const sent = method === 'GET' ? {} : (JSON.parse(request.body.toString()) as Sent);
    if (room === 'issue' && id === 'bulkfetch') return this.bulk(sent);
    if (room === 'comment') return this.commentsOf((sent as { ids: number[] }).ids);
    const found = this.all.get(id);
    if (room !== 'issue' || !found || inner)
      return {
        status: 404,
        body: { errorMessages: ['Issue does not exist or you do not have permission to see it.'] },
      };
    if (what === 'comment') return method === 'GET' ? this.comments(found, query) : this.write(found, sent);
    if (what === 'transitions') return method === 'GET' ? this.transitions(found) : this.transit(found, sent);
    if (method !== 'PUT') return { body: this.shown(found) };
    Object.assign(found.fields, (sent as { fields: object }).fields);
    return { status: 204 };
  }

  private service([room = '', id = '', what = '', inner = '', form]: string[], request: LoggedRequest): FakeAnswer {
    const { method, query } = request;
    if (room === 'servicedesk' && what === 'attachTemporaryFile') return this.upload(request);
    const sent = method === 'GET' ? {} : (JSON.parse(request.body.toString()) as Sent);
    if (room === 'customer') return this.enrol(sent);
    if (room === 'servicedesk' && !['SUP', '4'].includes(id)) return { status: 404 };
    if (room === 'servicedesk' && what === 'customer')
      return method === 'POST' ? { status: 204 } : { body: { values: this.enrolled(query.get('query') ?? '') } };
    if (room === 'servicedesk' && form) return { body: this.form() };
    if (room === 'servicedesk' && what === 'requesttype')
      return {
        body: { values: ['12 Question', '13 Bill'].map((one) => ({ id: one.slice(0, 2), name: one.slice(3) })) },
      };
    if (room === 'servicedesk') return { body: { id: '4', projectKey: 'SUP' } };
    if (room === 'request' && id === '') return this.create(sent);
    const found = this.all.get(id);
    if (!found) return { status: 404, body: { errorMessage: 'The request could not be found.' } };
    if (what === 'attachment') return this.attach(found, sent);
    const comment = found.comments.find((one) => one.id === inner);
    return comment ? { body: this.shownToCustomers(comment, found) } : { status: 404 };
  }

  private create(sent: Sent): FakeAnswer {
    const { requestFieldValues, requestTypeId, serviceDeskId, isAdfRequest, raiseOnBehalfOf } = sent as {
      requestFieldValues: Record<string, string>;
    } & Record<string, string | undefined>;
    const { summary = '', description, ...fields } = requestFieldValues;
    const bad = (errorMessage: string) => ({ status: 400, body: { errorMessage } });
    if (serviceDeskId !== '4' || !['12', '13'].includes(requestTypeId ?? '')) return bad('no such request type');
    if (!isAdfRequest || !summary || summary.length > 255 || /\n/.test(summary)) return bad('summary is invalid');
    if (textOf(description).length > MOST_TEXT) return bad('description is too long');
    if (Object.keys(fields).some((field) => !/^customfield_[12]$/.test(field))) return bad('unknown field');
    const reporter = raiseOnBehalfOf
      ? [...this.customers.values()].find((one) => one.accountId === raiseOnBehalfOf)
      : GATEWAY;
    if (!reporter) return bad('no such customer');
    const [id, key] = [String((this.count += 1)), `SUP-${(this.numbers += 1)}`];
    const place = { id, key, type: requestTypeId!, reporter, status: TO.open };
    this.all.set(id, { ...place, summary, description, fields, comments: [], histories: [] });
    return { status: 201, body: { issueId: id, issueKey: key } };
  }

  private assignable(accountId: string): FakeAnswer {
    if (!this.rights.has('ASSIGN_ISSUES')) return { status: 401 };
    return { body: accountId.startsWith('5b10:') ? [{ accountId, displayName: 'x', accountType: 'atlassian' }] : [] };
  }

  private search(query: URLSearchParams): FakeAnswer {
    const jql = query.get('jql') ?? '';
    if (!jql.startsWith('project = "SUP"')) return { status: 400, body: { errorMessages: ['no such project'] } };
    const word = /description ~ "\\"(.+?)\\""/.exec(jql)?.[1];
    const byChange = /updated >= "-\d+m" ORDER BY updated ASC$/.test(jql);
    const known = [...this.all.values()].filter(({ id }) => byChange || this.indexed.has(id));
    const found = word === undefined ? known : known.filter((one) => textOf(one.description).includes(word));
    if (jql.endsWith('created DESC')) found.reverse();
    const [start, size] = [Number(query.get('nextPageToken') ?? 0), Number(query.get('maxResults') ?? 50)];
    const isLast = start + size >= found.length;
    const issues = found.slice(start, start + size).map((one) => this.shown(one));
    return { body: { issues, isLast, ...(!isLast && { nextPageToken: String(start + size) }) } };
  }

  private bulk(sent: Sent): FakeAnswer {
    const { issueIdsOrKeys: keys } = sent as { issueIdsOrKeys: string[] };
    if (keys.length > 100) return { status: 400, body: { errorMessages: ['too many issues'] } };
    const issues = [...this.all.values()].filter(({ key }) => keys.includes(key)).map((one) => this.shown(one));
    return { body: { issues, issueErrors: [] } };
  }

  private comments({ comments }: Issue, query: URLSearchParams): FakeAnswer {
    const start = Number(query.get('startAt'));
    const ordered = query.get('orderBy') === '-created' ? [...comments].reverse() : comments;
    const found = ordered.slice(start, start + Number(query.get('maxResults'))).map((one) => ({
      ...{ id: one.id, author: one.author, created: this.time(), jsdPublic: one.isPublic },
      body: { type: 'doc', version: 1, content: one.text.split(/\n(?=> )|(?<=^> .*)\n(?!> )/m).map(blockOf) },
      ...(this.expands && query.get('expand') === 'properties' && { properties: one.properties }),
    }));
    return { body: { comments: found, startAt: start, total: comments.length } };
  }

  private commentsOf(ids: readonly number[]): FakeAnswer {
    const all = [...this.all.values()].flatMap(({ comments }) => comments);
    const found = all.filter(({ id }) => ids.includes(Number(id)));
    const body = { type: 'doc', version: 1, content: [] };
    return {
      body: {
        values: found.map(({ id, properties }) => ({ id, body, created: this.time(), properties })),
        isLast: true,
      },
    };
  }

  private write(found: Issue, sent: Sent): FakeAnswer {
    const { body, properties = [] } = sent as { body: unknown; properties?: Comment['properties'] };
    const text = textOf(body);
    if (text.length > MOST_TEXT) return { status: 400, body: { errors: { comment: 'The entered text is too long.' } } };
    const visibility = properties.find(({ key }) => key === 'sd.public.comment')?.value as
      { internal?: boolean } | undefined;
    const isPublic = visibility?.internal !== true;
    return {
      status: 201,
      body: { id: this.comment(found, { author: GATEWAY, text, isPublic, properties, files: [] }).id },
    };
  }

  private upload({ headers, body }: LoggedRequest): FakeAnswer {
    if (headers['x-atlassian-token'] !== 'no-check') return { status: 403, body: 'XSRF check failed' };
    const files = formParts(headers['content-type'] ?? '', body).map(({ filename, type, content }) => ({
      ...{ id: String((this.count += 1)), filename: filename ?? '', mimeType: type, content },
    }));
    for (const file of files) this.uploads.set(`temp${file.id}`, file);
    const temporaryAttachments = files.map(({ id, filename }) => ({
      temporaryAttachmentId: `temp${id}`,
      fileName: filename,
    }));
    return { status: 201, body: { temporaryAttachments } };
  }

  private attach(found: Issue, sent: Sent): FakeAnswer {
    const {
      temporaryAttachmentIds,
      additionalComment,
      public: isPublic,
    } = sent as {
      temporaryAttachmentIds: string[];
      additionalComment: { body: string };
      public?: boolean;
    };
    const files = temporaryAttachmentIds.flatMap((id) => this.uploads.get(id) ?? []);
    if (files.length === 0 || additionalComment.body.length > MOST_TEXT) return { status: 400 };
    for (const file of files) this.files.set(file.id, file);
    const text = shownWiki(additionalComment.body);
    this.comment(found, { author: GATEWAY, text, isPublic: isPublic === true, properties: [], files });
    return { status: 201, body: {} };
  }

  private transitions(found: Issue): FakeAnswer {
    const transitions = STATUSES.filter(({ id }) => id !== found.status && !this.forbidden.has(id)).map((to) => ({
      ...{ id: `t${to.id}`, name: to.name, to },
      fields: to.statusCategory.key === 'done' ? { resolution: { required: this.asksResolution } } : {},
    }));
    return { body: { transitions } };
  }

  private transit(found: Issue, sent: Sent): FakeAnswer {
    const { transition, fields } = sent as { transition: { id: string }; fields?: { resolution?: { name: string } } };
    const to = transition.id.slice(1);
    const resolution = fields?.resolution?.name;
    if (to === TO.closed && this.asksResolution && !resolution)
      return { status: 400, body: { errors: { resolution: 'Resolution is required.' } } };
    this.move(found, to, GATEWAY);
    found.resolution = resolution;
    return { status: 204 };
  }

  private move(found: Issue, to: string, author: Person): void {
    found.status = to;
    found.histories.unshift({
      id: String((this.count += 1)),
      author,
      created: this.time(),
      items: [{ field: 'status', to }],
    });
  }

  private say(ticketId: string, { text, author, asUs, files = [] }: Writing, isPublic: boolean): RawRequest {
    const found = this.all.get(ticketId)!;
    const kept = files.map(({ name, mimeType, content }) => {
      const file = { id: String((this.count += 1)), filename: name, mimeType, content };
      this.files.set(file.id, file);
      return file;
    });
    this.comment(found, { author: asUs ? GATEWAY : agent(author), text, isPublic, properties: [], files: kept });
    return this.called('comment_created', found);
  }

  private comment(found: Issue, comment: Omit<Comment, 'id'>): Comment {
    const made = { ...comment, id: String((this.count += 1)) };
    found.comments.push(made);
    return made;
  }

  private shown({ id, key, description, status, reporter, histories }: Issue) {
    const fields = { description, updated: this.time(), reporter, status: STATUSES.find((one) => one.id === status) };
    return { id, key, fields, changelog: { histories } };
  }

  private shownToCustomers({ id, text, files }: Comment, issue: Issue) {
    const href = (file: File) =>
      `https://x.atlassian.net/rest/servicedeskapi/request/${issue.id}/attachment/${file.id}`;
    const links = files.map((file) => `<p><a href="${href(file)}" title="file">${file.filename}</a></p>`).join('');
    const html = `<p>${text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`)}</p>${links}`;
    const values = files.map((file) => ({
      ...{ filename: file.filename, mimeType: file.mimeType, size: file.content.length },
      _links: { jiraRest: `https://x.atlassian.net/rest/api/2/attachment/${file.id}`, content: href(file) },
    }));
    return { id, body: text, public: true, renderedBody: { html }, attachments: { values, isLastPage: true } };
  }

  private media(id: string): FakeAnswer {
    const file = this.files.get(id);
    return file ? { headers: { 'content-type': file.mimeType }, body: file.content } : { status: 404 };
  }

  private permissions(query: URLSearchParams) {
    const asked = query.get('permissions')?.split(',') ?? [];
    return Object.fromEntries(asked.map((key) => [key, { havePermission: this.rights.has(key) }]));
  }

  private form() {
    const known = ['summary', 'description', 'customfield_1', 'customfield_2'];
    const fields = [...known, ...this.required].map((fieldId) => ({ fieldId, name: fieldId, required: this.required.includes(fieldId) })); // prettier-ignore
    return { requestTypeFields: fields, canRaiseOnBehalfOf: true };
  }

  private enrol(sent: Sent): FakeAnswer {
    const { email, displayName } = sent as { email: string; displayName: string };
    if (this.customers.has(email))
      return { status: 400, body: { errorMessage: 'An account already exists for this email' } };
    const made = { accountId: `qm:${this.customers.size}`, displayName, accountType: 'customer' };
    this.customers.set(email, made);
    return { status: 201, body: { ...made, emailAddress: email } };
  }

  private enrolled(email: string) {
    const found = this.customers.get(email);
    return found ? [{ ...found, emailAddress: email }] : [];
  }

  private called(webhookEvent: string, { id, key }: Issue): RawRequest {
    const body = JSON.stringify({ webhookEvent, timestamp: this.now, issue: { id, key } });
    return rawRequest({ headers: { 'content-type': 'application/json' }, body });
  }

  private time(): string {
    return new Date(this.now).toISOString().replace('Z', '+0000');
  }
}

function agent(displayName: string): Person {
  return { accountId: `5b10:${displayName}`, displayName, accountType: 'atlassian' };
}

/** As the webhook with this secret signs. */
export function signedBy(secret: string, request: RawRequest): RawRequest {
  const mac = createHmac('sha256', secret).update(request.body).digest('hex');
  return { ...request, headers: { ...request.headers, 'x-hub-signature': `sha256=${mac}` } };
}

/** A line that begins with `>` is what people make a quote of in the editor. */
function blockOf(text: string): object {
  const paragraph = { type: 'paragraph', content: [{ type: 'text', text: text.replace(/^> /, '') }] };
  return text.startsWith('> ') ? { type: 'blockquote', content: [paragraph] } : paragraph;
}
