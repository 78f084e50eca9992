import { z } from 'zod';
import { Unfit, readAnswer } from '../tickets/index.js';
import { ask, permissionsOf, statuses, type Context } from './redmine.api.js';
import { statusFor } from './redmine.status.js';

const NEEDED = { view_issues: 'View Issues', add_issues: 'Add issues', edit_issues: 'Edit issues', add_issue_notes: 'Add notes', set_notes_private: 'Set notes as private', view_private_notes: 'View private notes' }; // prettier-ignore

const User = z.object({
  login: z.string().default('?'),
  admin: z.boolean().default(false),
  memberships: z
    .array(z.object({ project: z.object({ id: z.int() }), roles: z.array(z.object({ id: z.int() })) }))
    .default([]),
});
const Project = z.object({
  id: z.int(),
  name: z.string(),
  trackers: z.array(z.object({ name: z.string() })).default([]),
  issue_custom_fields: z.array(z.object({ id: z.int() })).optional(),
});

/** Who we are, and whether everything that the settings name is there and allowed; throws `Unfit` in words. */
export async function checkRedmine(ctx: Context): Promise<string> {
  const { project, queues = {}, tracker } = ctx.config;
  const { user } = readAnswer(z.object({ user: User }), await ask(ctx, '/users/current.json?include=memberships'));
  const all = await statuses(ctx);
  for (const status of ['open', 'pending', 'closed'] as const) {
    try {
      statusFor(status, all, ctx.config);
    } catch {
      throw new Unfit(
        `Redmine has no status for \`statuses.${status}\`. It has: ${all.map(({ name }) => name).join(', ')}.`,
      );
    }
  }
  for (const identifier of new Set([project, ...Object.values(queues)])) {
    const found = await projectOf(ctx, identifier);
    if (tracker !== undefined && !found.trackers.some(({ name }) => name === tracker))
      throw new Unfit(
        `The project ${identifier} has no tracker ${JSON.stringify(tracker)}. It has: ${found.trackers.map(({ name }) => name).join(', ')}.`,
      );
    demandFields(ctx, found);
    if (!user.admin) await demandRights(ctx, user, found);
  }
  return `Works as ${user.login}, in the project ${project}.`;
}

async function projectOf(ctx: Context, identifier: string): Promise<z.infer<typeof Project>> {
  const path = `/projects/${encodeURIComponent(identifier)}.json?include=trackers,issue_custom_fields`;
  const answer = await ask(ctx, path, { also: [403, 404] });
  if (answer.status !== 200)
    throw new Unfit(
      `There is no project ${identifier}, or this user is no member of it. Give the identifier as in the project's address.`,
    );
  return readAnswer(z.object({ project: Project }), answer).project;
}

function demandFields(
  { config: { fields = {} } }: Context,
  { name, issue_custom_fields }: z.infer<typeof Project>,
): void {
  for (const [key, id] of Object.entries(fields)) {
    if (!/^\d+$/.test(id))
      throw new Unfit(`\`fields.${key}\` takes the number of a custom field, as in its address under Administration.`);
    if (issue_custom_fields && !issue_custom_fields.some((field) => String(field.id) === id))
      throw new Unfit(`The project ${name} has no custom field ${id}, which \`fields.${key}\` names.`);
  }
}

async function demandRights(
  ctx: Context,
  { memberships }: z.infer<typeof User>,
  { id, name }: z.infer<typeof Project>,
): Promise<void> {
  const roles = memberships.filter(({ project }) => project.id === id).flatMap((membership) => membership.roles);
  const rights = new Set<string>();
  for (const role of roles) for (const right of await permissionsOf(ctx, role.id)) rights.add(right);
  const missing = Object.entries(NEEDED).flatMap(([right, words]) => (rights.has(right) ? [] : [words]));
  if (missing.length > 0)
    throw new Unfit(
      `The user lacks in the project ${name}: ${missing.join(', ')}. Give its role these permissions (Administration, Roles and permissions).`,
    );
}
