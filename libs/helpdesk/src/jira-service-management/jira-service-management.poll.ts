import type { MediaStream } from '#transport';
import { z } from 'zod';
import type { AnswerFile, HelpdeskAction, HelpdeskPage } from '../core/connector.js';
import {
  answered,
  endsMarked,
  openLinked,
  readAnswer,
  statusChanged,
  type Answer,
  markedId,
} from '../tickets/index.js';
import {
  ask,
  comments,
  credentials,
  EXPERIMENTAL,
  isAssignable,
  issue,
  MARK,
  me,
  PER_PAGE,
  search,
  statuses,
  type Comment,
  type Context,
  type Issue,
  type Person,
  type Status,
} from './jira-service-management.api.js';
import { kindOf } from './jira-service-management.status.js';

/** The index of Jira lags: what is younger is looked at again. */
const OVERLAP_MS = 600_000;
/** More than people do within the overlap. */
const MOST_TOLD = 2_000;
const PAGE = 50;
/** Other customers of a request may comment on it: they can have accounts as agents have. */
const NO_AGENT = {
  code: 'unauthorized',
  message: 'the comment is of nobody to whom requests of the project can be assigned',
} as const;

const Place = z.object({
  /** How far was looked, milliseconds; of the pass that is under way: its span, its next page, and where the next pass begins. */
  since: z.number(),
  minutes: z.number(),
  token: z.string().nullable(),
  next: z.number(),
  told: z.array(z.string()),
});
type Place = z.infer<typeof Place>;

/** What agents did, in the requests that we made and that changed. */
export async function poll(cursor: string | null, ctx: Context): Promise<HelpdeskPage> {
  if (cursor === null) {
    const since = ctx.now();
    const place: Place = { since, minutes: 0, token: null, next: since, told: [] };
    return { actions: [], cursor: JSON.stringify(place) };
  }
  const place = Place.parse(JSON.parse(cursor));
  // Times in a search are of the user's zone; spans are not. The pages of a search go by the same words.
  const minutes = place.token === null ? Math.ceil((ctx.now() - place.since) / 60_000) + 1 : place.minutes;
  const { issues, nextPageToken } = await search(ctx, changedWithin(minutes, ctx), {
    fields: 'description,updated',
    maxResults: String(PAGE),
    ...(place.token !== null && { nextPageToken: place.token }),
  });
  const ours = issues.filter(({ fields }) => markedId(fields.description) !== null);
  const [self, all] = ours.length > 0 ? await Promise.all([me(ctx), statuses(ctx)]) : [null, []];
  const news: News[] = [];
  const agents = new Map<string, boolean>();
  for (const { id } of ours) news.push(...(await newsOf(id, { place, self: self!, all, agents, ctx })));
  const next = Math.max(place.next, ...issues.map(({ fields }) => Date.parse(fields.updated ?? '') || 0));
  const told = [...place.told, ...news.map(({ id }) => id)].slice(-MOST_TOLD);
  const since = nextPageToken ? place.since : Math.max(place.since, next - OVERLAP_MS);
  return {
    actions: news.flatMap(({ actions }) => actions),
    cursor: JSON.stringify({ since, minutes, token: nextPageToken ?? null, next, told } satisfies Place),
    more: Boolean(nextPageToken),
  };
}

/** `ref` is the number of a file. */
export function openFile(ref: string, ctx: Context): Promise<MediaStream> {
  const { apiBase } = ctx.config;
  const address = `${apiBase}/rest/api/3/attachment/content/${encodeURIComponent(ref)}`;
  return openLinked(ctx, address, { apiBase, headers: credentials(ctx) });
}

function changedWithin(minutes: number, { config }: Context): string {
  return `project = "${config.project}" AND creator = currentUser() AND updated >= "-${minutes}m" ORDER BY updated ASC`;
}

interface News {
  readonly id: string;
  readonly at: number;
  readonly actions: readonly HelpdeskAction[];
}

interface Reading {
  readonly place: Place;
  readonly self: Person;
  readonly all: readonly Status[];
  /** Who wrote, as far as they were looked up, and whether they are agents. */
  readonly agents: Map<string, boolean>;
  readonly ctx: Context;
}

/** What agents did to a request and was not told yet, in its order. */
async function newsOf(ticketId: string, reading: Reading): Promise<News[]> {
  const { place, self, all, ctx } = reading;
  const found = await issue(ctx, ticketId, { fields: 'description,reporter,status', expand: 'changelog' });
  if (!found) return [];
  const done = { ticketId, externalId: markedId(found.fields.description) };
  const isNews = ({ id, at }: Omit<News, 'actions'>) => at >= place.since && !place.told.includes(id);
  const news: News[] = [];
  for (const { id, author, created, items } of found.changelog?.histories ?? []) {
    const one = { id: `h${id}`, at: Date.parse(created) };
    const to = items.findLast(({ field }) => field === 'status')?.to;
    const status = all.find((known) => known.id === to);
    if (!status || !isNews(one) || !isAgent(author, found, self)) continue;
    news.push({ ...one, actions: [statusChanged({ ...done, id: one.id }, kindOf(status, ctx.config))] });
  }
  for (const comment of await newest(ticketId, place.since, ctx)) {
    const one = { id: `c${comment.id}`, at: Date.parse(comment.created) };
    if (!comment.jsdPublic || !isNews(one) || !isAnswer(comment, found, self)) continue;
    const actions = answered(await answerOf(comment, done, ctx), ctx.config);
    const refusal = (await isStaff(comment.author!, reading)) ? null : NO_AGENT;
    news.push({
      ...one,
      actions: actions.map((each) => (refusal && each.kind === 'reply' ? { ...each, refusal } : each)),
    });
  }
  return news.sort((a, b) => a.at - b.at);
}

/** What we write bears ids; who uses our account does not write such. */
function isAnswer({ author, body, properties }: Comment, found: Issue, self: Person): boolean {
  if (author?.accountId !== self.accountId) return isAgent(author, found, self);
  return !properties.some(({ key }) => key === MARK) && !endsMarked(body);
}

/** We ourselves, an app, which administrators install, or an agent. */
async function isStaff({ accountId, accountType }: Person, { self, agents, ctx }: Reading): Promise<boolean> {
  if (accountId === self.accountId || accountType === 'app') return true;
  if (!agents.has(accountId)) agents.set(accountId, await isAssignable(ctx, accountId));
  return agents.get(accountId)!;
}

/** Neither we ourselves, nor a customer. */
function isAgent(author: Person | null | undefined, { fields }: Issue, self: Person): boolean {
  if (!author || author.accountId === self.accountId) return false;
  return author.accountType !== 'customer' && author.accountId !== fields.reporter?.accountId;
}

/** Comments that are not older than this, the oldest first. */
async function newest(ticketId: string, since: number, ctx: Context): Promise<Comment[]> {
  const found: Comment[] = [];
  for (let start = 0; ; start += PER_PAGE) {
    const page = (await comments(ctx, ticketId, start)) ?? [];
    const young = page.filter(({ created }) => Date.parse(created) >= since);
    found.unshift(...young.reverse());
    if (young.length < PER_PAGE) return found;
  }
}

const Shown = z.object({
  renderedBody: z.object({ html: z.string().nullish() }).nullish(),
  attachments: z
    .object({
      values: z.array(
        z.object({
          filename: z.string(),
          mimeType: z.string().nullish(),
          _links: z.object({ jiraRest: z.string().nullish(), content: z.string().nullish() }),
        }),
      ),
    })
    .nullish(),
});

/** A comment as customers are shown it: what it says, and its files. */
async function answerOf(
  { id, author, body }: Comment,
  done: Pick<Answer, 'ticketId' | 'externalId'>,
  ctx: Context,
): Promise<Answer> {
  const path = `/rest/servicedeskapi/request/${encodeURIComponent(done.ticketId)}/comment/${encodeURIComponent(id)}`;
  const query = { expand: 'attachment,renderedBody' };
  const answer = await ask(ctx, path, { query, headers: EXPERIMENTAL, also: [404] });
  const { renderedBody, attachments } = answer.status === 404 ? {} : readAnswer(Shown, answer);
  const files = (attachments?.values ?? []).flatMap(({ filename: name, mimeType, _links: links }): AnswerFile[] => {
    const ref = /\/attachment\/(?:content\/)?(\d+)/.exec(links.jiraRest ?? links.content ?? '')?.[1];
    return ref ? [{ ref, name, ...(mimeType && { mimeType }) }] : [];
  });
  const html = renderedBody?.html && withoutFiles(renderedBody.html);
  return {
    ...{ ...done, id: `c${id}`, files },
    ...(html === undefined || html === null ? { text: body } : { html }),
    author: { id: author?.accountId, name: author?.displayName },
  };
}

/** Links to files, which customers of other channels cannot open, are left out: the files go with the answer. */
function withoutFiles(html: string): string {
  return html.replace(
    /<a\b[^<>]{0,2000}\bhref="[^"<>]{0,2000}\/attachment\/[^"<>]{0,2000}"[^<>]{0,2000}>[^]{0,4000}?<\/a>/gi,
    '',
  );
}
