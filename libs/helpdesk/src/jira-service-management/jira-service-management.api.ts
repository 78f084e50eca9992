import type { HttpRequest, HttpResponse } from '#transport';
import { z } from 'zod';
import type { ConnectorContext } from '../core/connector.js';
import { call, readAnswer, type Ticket } from '../tickets/index.js';
import type { JiraConfig } from './jira-service-management.config.js';
import { textOf } from './jira-service-management.text.js';

// https://developer.atlassian.com/cloud/jira/service-desk/rest/ and https://developer.atlassian.com/cloud/jira/platform/rest/v3/. Tickets go by the number of
// their issue, which stays where its key changes.

export type Context = ConnectorContext<JiraConfig>;

const Status = z.object({ id: z.string(), name: z.string(), statusCategory: z.object({ key: z.string() }) });
export type Status = z.infer<typeof Status>;

const Person = z.object({
  accountId: z.string(),
  displayName: z.string().nullish(),
  accountType: z.string().nullish(),
});
export type Person = z.infer<typeof Person>;

const Issue = z.object({
  id: z.string(),
  key: z.string(),
  fields: z
    .object({
      description: z.unknown().transform((description) => textOf(description)),
      status: Status.optional(),
      updated: z.string().optional(),
      reporter: Person.nullish(),
    })
    .default({ description: '' }),
  changelog: z
    .object({
      histories: z.array(
        z.object({
          id: z.string(),
          author: Person.nullish(),
          created: z.string(),
          items: z.array(z.object({ field: z.string(), to: z.string().nullish() })),
        }),
      ),
    })
    .optional(),
});
export type Issue = z.infer<typeof Issue>;

const Comment = z.object({
  id: z.string(),
  author: Person.nullish(),
  body: z.unknown().transform((body) => textOf(body)),
  created: z.string(),
  jsdPublic: z.boolean().default(true),
  properties: z.array(z.object({ key: z.string(), value: z.unknown() })).nullish(),
});
type Told = z.infer<typeof Comment>;
export type Comment = Told & { readonly properties: NonNullable<Told['properties']> };

/** The property of a comment that holds the ids of what it tells. */
export const MARK = 'tributary';
export const PER_PAGE = 100;
/** What Jira calls so: documents in requests, customers, comments as html. */
export const EXPERIMENTAL = { 'x-experimentalapi': 'opt-in' };

type Ask = Omit<HttpRequest, 'url'> & { readonly also?: readonly number[] };

/** One request as our user. Throws as `call` does; statuses in `also` are answers. */
export function ask(ctx: Context, path: string, { also, ...request }: Ask = {}): Promise<HttpResponse> {
  const headers = { ...credentials(ctx), accept: 'application/json', ...request.headers };
  return call(ctx, { maxBytes: 32 << 20, ...request, url: `${ctx.config.apiBase}${path}`, headers }, also);
}

export function credentials({ config: { user, token } }: Context): Readonly<Record<string, string>> {
  return { authorization: `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}` };
}

/** Null where there is no such issue. */
export async function issue(ctx: Context, id: string, query: Record<string, string>): Promise<Issue | null> {
  const answer = await ask(ctx, `/rest/api/3/issue/${encodeURIComponent(id)}`, { query, also: [404] });
  return answer.status === 404 ? null : readAnswer(Issue, answer);
}

/** Asks the index, which may lag by seconds, seldom by minutes. */
export async function search(
  ctx: Context,
  jql: string,
  page: Readonly<Record<string, string>>,
): Promise<{ issues: Issue[]; nextPageToken?: string | null | undefined }> {
  const shape = z.object({ issues: z.array(Issue), nextPageToken: z.string().nullish() });
  return readAnswer(shape, await ask(ctx, '/rest/api/3/search/jql', { query: { jql, ...page } }));
}

/** Those of these issues that there are, up to a hundred, not from the index. */
export async function bulk(ctx: Context, issueIdsOrKeys: readonly string[]): Promise<Issue[]> {
  const request = { method: 'POST', body: { issueIdsOrKeys, fields: ['description'] } } as const;
  return readAnswer(z.object({ issues: z.array(Issue) }), await ask(ctx, '/rest/api/3/issue/bulkfetch', request))
    .issues;
}

/**
 * Comments from the newest on; null where there is no such issue. Jira gives their properties with the list, which Atlassian tells (JSDSERVER-1261) and does not document; where it does
 * not they are asked for as documented. Every comment of a request has one.
 */
export async function comments(ctx: Context, ticketId: string, startAt: number): Promise<Comment[] | null> {
  const query = { orderBy: '-created', expand: 'properties', maxResults: String(PER_PAGE), startAt: String(startAt) };
  const path = `/rest/api/3/issue/${encodeURIComponent(ticketId)}/comment`;
  const answer = await ask(ctx, path, { query, also: [404] });
  if (answer.status === 404) return null;
  const { comments: page } = readAnswer(z.object({ comments: z.array(Comment) }), answer);
  const bare = page.length > 0 && page.every(({ properties }) => !properties);
  const known = bare ? await propertiesOf(ctx, page) : null;
  return page.map((one) => ({ ...one, properties: known?.get(one.id) ?? one.properties ?? [] }));
}

async function propertiesOf(ctx: Context, page: readonly Told[]): Promise<ReadonlyMap<string, Told['properties']>> {
  const request = {
    method: 'POST',
    query: { expand: 'properties' },
    body: { ids: page.map(({ id }) => Number(id)) },
  } as const;
  const shape = z.object({ values: z.array(Comment.pick({ id: true, properties: true })) });
  const { values } = readAnswer(shape, await ask(ctx, '/rest/api/3/comment/list', request));
  return new Map(values.map(({ id, properties }) => [id, properties]));
}

export async function me(ctx: Context): Promise<Person> {
  return readAnswer(Person, await ask(ctx, '/rest/api/3/myself'));
}

/** May requests be assigned to this account? That is so for agents, not for customers, whose accounts may be of the same kind (`atlassian`): employees, as an example. */
export async function isAssignable(ctx: Context, accountId: string): Promise<boolean> {
  const query = { accountId, project: ctx.config.project };
  const found = readAnswer(z.array(Person), await ask(ctx, '/rest/api/3/user/assignable/search', { query }));
  return found.some((one) => one.accountId === accountId);
}

export async function statuses(ctx: Context): Promise<Status[]> {
  return readAnswer(z.array(Status), await ask(ctx, '/rest/api/3/status'));
}

/** The service desk of the project; null where there is none. */
export async function desk(ctx: Context): Promise<string | null> {
  const answer = await ask(ctx, `/rest/servicedeskapi/servicedesk/${ctx.config.project}`, { also: [404] });
  return answer.status === 404 ? null : readAnswer(z.object({ id: z.string() }), answer).id;
}

export function ticketOf({ config }: Context, { id, key }: { readonly id: string; readonly key: string }): Ticket {
  return { id, url: `${config.apiBase}/browse/${key}` };
}
