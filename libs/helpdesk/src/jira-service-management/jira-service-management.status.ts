import { z } from 'zod';
import { DeliveryRefused } from '../core/connector.js';
import { readAnswer, TicketEnded, type TicketStatus } from '../tickets/index.js';
import { ask, issue, type Context, type Status } from './jira-service-management.api.js';
import type { JiraConfig } from './jira-service-management.config.js';

const Transition = z.object({
  id: z.string(),
  to: z.object({ id: z.string(), name: z.string(), statusCategory: z.object({ key: z.string() }) }),
  fields: z.record(z.string(), z.unknown()).default({}),
});

/** What a status is to a conversation. */
export function kindOf(
  { name, statusCategory }: Omit<Status, 'id'>,
  config: Pick<JiraConfig, 'statuses'>,
): TicketStatus {
  if (statusCategory.key === 'done' || name === config.statuses.closed) return 'closed';
  return name === config.statuses.pending ? 'pending' : 'open';
}

/** Takes the step of the workflow that leads to the status; throws `DeliveryRefused` where none does. */
export async function setStatus(ticketId: string, wanted: TicketStatus, ctx: Context): Promise<void> {
  const found = await issue(ctx, ticketId, { fields: 'status' });
  if (!found?.fields.status) throw new TicketEnded('gone');
  const status = wanted === 'pending' && ctx.config.statuses.pending === undefined ? 'open' : wanted;
  if (kindOf(found.fields.status, ctx.config) === status) return;
  const path = `/rest/api/3/issue/${encodeURIComponent(ticketId)}/transitions`;
  const answer = await ask(ctx, path, { query: { expand: 'transitions.fields' } });
  const { transitions } = readAnswer(z.object({ transitions: z.array(Transition) }), answer);
  const name = ctx.config.statuses[status];
  const step = transitions.find(({ to }) =>
    name === undefined ? kindOf(to, ctx.config) === status : to.name === name,
  );
  if (!step)
    throw new DeliveryRefused(
      422,
      `the workflow leads from ${JSON.stringify(found.fields.status.name)} to no status ${JSON.stringify(name ?? status)}`,
    );
  const { resolution } = ctx.config;
  const fields = resolution !== undefined && 'resolution' in step.fields ? { resolution: { name: resolution } } : null;
  await ask(ctx, path, { method: 'POST', body: { transition: { id: step.id }, ...(fields && { fields }) } });
}
