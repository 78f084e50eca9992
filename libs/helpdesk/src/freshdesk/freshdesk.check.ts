import { z } from 'zod';
import { readAnswer, Unfit } from '../tickets/index.js';
import { ask, me, tickets, type Context } from './freshdesk.api.js';

const EVERY_TICKET = 1;
const LINES = ['custom_text', 'custom_paragraph'];

/** Who we are, and whether rights and fields are there. Throws `Unfit` in words. */
export async function examine(ctx: Context): Promise<string> {
  const { contact, ticket_scope } = await me(ctx);
  const name = contact.name ?? 'an agent';
  if (ticket_scope !== EVERY_TICKET && ticket_scope != null)
    throw new Unfit(`${name} does not see every ticket: give this agent the scope "Global access".`);
  await tickets(ctx, { per_page: '1' });
  await demandFields(ctx);
  return `Works as ${name}.`;
}

async function demandFields(ctx: Context): Promise<void> {
  const { referenceField, stateField, fields = {} } = ctx.config;
  const shape = z.array(z.object({ name: z.string(), type: z.string().nullish() }));
  const all = readAnswer(shape, await ask(ctx, '/ticket_fields'));
  const own = all.filter(({ name }) => name.startsWith('cf_')).map(({ name }) => name);
  for (const wanted of [referenceField, stateField, ...Object.values(fields)]) {
    const found = all.find(({ name }) => name === wanted);
    if (!found)
      throw new Unfit(
        `Freshdesk has no ticket field ${wanted}: add it under Admin → Ticket Fields. It has: ${own.join(', ') || 'none of your own'}.`,
      );
    if (found.type && !LINES.includes(found.type))
      throw new Unfit(`The ticket field ${wanted} is no single line of text, but ${found.type}.`);
  }
}
