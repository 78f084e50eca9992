import { z } from 'zod';
import { readAnswer, Unfit } from '../tickets/index.js';
import { ask, groups, me, tickets, type Context } from './zendesk.api.js';

/** Who we are, and whether groups and fields are there. Throws `Unfit` in words. */
export async function examine(ctx: Context): Promise<string> {
  const { id, name, role } = await me(ctx);
  if (id === null)
    throw new Unfit('The credentials were refused: check `email` and `token`, and that token access is on.');
  if (role === 'end-user' || !role)
    throw new Unfit(`${name ?? 'The user of these credentials'} is an end user: the gateway needs an agent.`);
  await tickets(ctx, { 'page[size]': '1' });
  await demandGroups(ctx);
  await demandFields(ctx);
  return `Works as ${name ?? id}, ${role === 'admin' ? 'an administrator' : 'an agent'}.`;
}

async function demandGroups(ctx: Context): Promise<void> {
  const { group, queues = {} } = ctx.config;
  const wanted = new Set([...(group ? [group] : []), ...Object.values(queues)]);
  if (wanted.size === 0) return;
  const have = [...(await groups(ctx)).keys()];
  for (const one of wanted)
    if (!have.includes(one))
      throw new Unfit(`Zendesk has no group ${JSON.stringify(one)}. It has: ${have.join(', ')}.`);
}

async function demandFields(ctx: Context): Promise<void> {
  const wanted = Object.values(ctx.config.fields ?? {});
  if (wanted.length === 0) return;
  const shape = z.object({
    ticket_fields: z.array(z.object({ id: z.int(), title: z.string().nullish(), active: z.boolean().default(true) })),
  });
  const all = readAnswer(shape, await ask(ctx, '/ticket_fields.json')).ticket_fields;
  const have = all.filter(({ active }) => active);
  for (const one of wanted)
    if (!have.some(({ id }) => String(id) === one))
      throw new Unfit(
        `Zendesk has no active ticket field ${one}: \`fields\` takes their numbers. It has: ${have.map(({ id, title }) => `${id} (${title ?? ''})`).join(', ')}.`,
      );
}
