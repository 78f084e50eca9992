import { z } from 'zod';
import { readAnswer, Unfit } from '../tickets/index.js';
import { ask, desk, me, type Context } from './jira-service-management.api.js';

const NEEDED = { BROWSE_PROJECTS: 'Browse projects', CREATE_ISSUES: 'Create issues', ADD_COMMENTS: 'Add comments', CREATE_ATTACHMENTS: 'Create attachments', TRANSITION_ISSUES: 'Transition issues', ASSIGN_ISSUES: 'Assign issues' }; // prettier-ignore

const Permissions = z.object({ permissions: z.record(z.string(), z.object({ havePermission: z.boolean() })) });
const Types = z.object({ values: z.array(z.object({ id: z.string(), name: z.string() })) });
const Form = z.object({
  canRaiseOnBehalfOf: z.boolean().default(true),
  requestTypeFields: z.array(z.object({ fieldId: z.string(), name: z.string(), required: z.boolean().default(false) })),
});

/** Who we are, and whether project, types, fields, rights and statuses are there; throws `Unfit` in words. */
export async function examine(ctx: Context): Promise<string> {
  const { displayName } = await me(ctx);
  const { project, requestType, queues = {} } = ctx.config;
  const deskId = await desk(ctx);
  if (deskId === null) throw new Unfit(`There is no service project ${project}, or this user is no agent of it.`);
  await demandRights(ctx);
  const path = `/rest/servicedeskapi/servicedesk/${deskId}/requesttype`;
  const types = readAnswer(Types, await ask(ctx, path, { query: { limit: '100' } })).values;
  for (const id of new Set([requestType, ...Object.values(queues)])) {
    if (!types.some((type) => type.id === id))
      throw new Unfit(
        `The project has no request type ${id}. It has: ${types.map((type) => `${type.id} ${type.name}`).join(', ')}.`,
      );
    demandFields(ctx, id, readAnswer(Form, await ask(ctx, `${path}/${id}/field`)));
  }
  await demandStatuses(ctx);
  return `Works as ${displayName ?? '?'}, in the project ${project}.`;
}

async function demandRights(ctx: Context): Promise<void> {
  const needed = { ...NEEDED, ...(ctx.config.fields && { EDIT_ISSUES: 'Edit issues' }) };
  const query = { projectKey: ctx.config.project, permissions: Object.keys(needed).join(',') };
  const { permissions } = readAnswer(Permissions, await ask(ctx, '/rest/api/3/mypermissions', { query }));
  const missing = Object.entries(needed).flatMap(([key, name]) => (permissions[key]?.havePermission ? [] : [name]));
  if (missing.length > 0)
    throw new Unfit(`This user lacks in the project: ${missing.join(', ')}. Make it an agent (Service Desk Team).`);
}

function demandFields({ config }: Context, id: string, form: z.infer<typeof Form>): void {
  const { fields = {}, customers } = config;
  const filled = ['summary', 'description', ...Object.values(fields)];
  const has = form.requestTypeFields.map(({ fieldId }) => fieldId);
  const lacking = filled.filter((field) => !has.includes(field));
  if (lacking.length > 0)
    throw new Unfit(
      `The form of request type ${id} lacks: ${lacking.join(', ')}. It has: ${has.join(', ')}. Add them under Project settings, Request types.`,
    );
  const asked = form.requestTypeFields.filter(({ fieldId, required }) => required && !filled.includes(fieldId));
  if (asked.length > 0)
    throw new Unfit(
      `The form of request type ${id} demands what the gateway does not know: ${asked.map(({ name }) => name).join(', ')}. Make that optional.`,
    );
  if (customers === 'mail' && !form.canRaiseOnBehalfOf)
    throw new Unfit(`This user may not raise requests of type ${id} on behalf of customers.`);
}

async function demandStatuses(ctx: Context): Promise<void> {
  const shape = z.array(z.object({ statuses: z.array(z.object({ name: z.string() })) }));
  const found = readAnswer(shape, await ask(ctx, `/rest/api/3/project/${ctx.config.project}/statuses`));
  const names = new Set(found.flatMap((type) => type.statuses.map(({ name }) => name)));
  for (const [status, name] of Object.entries(ctx.config.statuses))
    if (!names.has(name))
      throw new Unfit(`The project has no status for \`statuses.${status}\`. It has: ${[...names].join(', ')}.`);
}
