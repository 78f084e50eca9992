import type { HttpRequest, HttpResponse } from '#transport';
import { z } from 'zod';
import type { ConnectorContext } from '../core/connector.js';
import { call, readAnswer } from '../tickets/index.js';
import type { RedmineConfig } from './redmine.config.js';

// The REST API of Redmine 4 and 5: https://www.redmine.org/projects/redmine/wiki/Rest_api

export type Context = ConnectorContext<RedmineConfig>;

const Named = z.object({ id: z.int(), name: z.string() });

const Journal = z.object({
  id: z.int(),
  user: Named.partial().optional(),
  notes: z.string().nullish(),
  // Without it nobody could say what customers may see.
  private_notes: z.boolean(),
  created_on: z.string(),
  details: z.array(z.object({ property: z.string(), name: z.string(), new_value: z.string().nullish() })).default([]),
});
export type Journal = z.infer<typeof Journal>;

const Attachment = z.object({ id: z.int(), filename: z.string(), content_type: z.string().nullish() });

export const Issue = z.object({
  id: z.int(),
  description: z.string().nullish(),
  status: Named,
  project: Named,
  author: Named.partial().optional(),
  updated_on: z.string(),
  journals: z.array(Journal).default([]),
  attachments: z.array(Attachment).default([]),
});
export type Issue = z.infer<typeof Issue>;

const Status = Named.extend({ is_closed: z.boolean().default(false) });
export type Status = z.infer<typeof Status>;

/** Of a user, or of a group, whose users are listed besides. */
const Membership = z.object({
  user: z.object({ id: z.int() }).optional(),
  roles: z.array(z.object({ id: z.int() })),
});
const MEMBERS = 100;

/** One request with the user's key. Throws as `call` does; statuses in `also` are answers. */
export function ask(
  ctx: Context,
  path: string,
  { also, ...request }: Omit<HttpRequest, 'url'> & { readonly also?: readonly number[] } = {},
): Promise<HttpResponse> {
  const { apiBase, apiKey } = ctx.config;
  const headers = { 'x-redmine-api-key': apiKey, accept: 'application/json', ...request.headers };
  return call(ctx, { ...request, url: `${apiBase}${path}`, headers }, also);
}

/** An issue with its history; null where there is none. */
export async function issue(ctx: Context, id: string): Promise<Issue | null> {
  const answer = await ask(ctx, `/issues/${encodeURIComponent(id)}.json?include=journals,attachments`, {
    maxBytes: 32 << 20,
    also: [404],
  });
  return answer.status === 404 ? null : readAnswer(z.object({ issue: Issue }), answer).issue;
}

export async function issues(ctx: Context, filter: URLSearchParams): Promise<Issue[]> {
  return readAnswer(
    z.object({ issues: z.array(Issue) }),
    await ask(ctx, `/issues.json?${filter.toString()}`, { maxBytes: 32 << 20 }),
  ).issues;
}

export async function statuses(ctx: Context): Promise<Status[]> {
  const answer = await ask(ctx, '/issue_statuses.json');
  return readAnswer(z.object({ issue_statuses: z.array(Status) }), answer).issue_statuses;
}

/** The user as whom the gateway works. */
export async function me(ctx: Context) {
  const shape = z.object({ user: z.object({ id: z.int(), login: z.string().optional() }) });
  return readAnswer(shape, await ask(ctx, '/users/current.json')).user;
}

/**
 * The users who are members of a project with a role that may edit issues: its agents. Every user may read that. Who may only add notes, or came by mail, is a customer or a
 * stranger.
 */
export async function agentsOf(ctx: Context, projectId: number): Promise<ReadonlySet<number>> {
  const roles = new Map<number, boolean>();
  const agents = new Set<number>();
  for (let offset = 0; ; offset += MEMBERS) {
    const path = `/projects/${projectId}/memberships.json?limit=${MEMBERS}&offset=${offset}`;
    const { memberships } = readAnswer(z.object({ memberships: z.array(Membership) }), await ask(ctx, path));
    for (const { user, roles: held } of memberships)
      for (const { id } of user ? held : []) {
        if (!roles.has(id)) roles.set(id, (await permissionsOf(ctx, id)).includes('edit_issues'));
        if (roles.get(id)) agents.add(user!.id);
      }
    if (memberships.length < MEMBERS) return agents;
  }
}

export async function permissionsOf(ctx: Context, roleId: number): Promise<readonly string[]> {
  const shape = z.object({ role: z.object({ permissions: z.array(z.string()) }) });
  return readAnswer(shape, await ask(ctx, `/roles/${roleId}.json`)).role.permissions;
}

export function issueUrl({ config }: Context, id: string): string {
  return `${config.apiBase}/issues/${id}`;
}
