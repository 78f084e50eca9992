import { z } from 'zod';
import { DeliveryRefused } from '../core/connector.js';
import { readAnswer, type Requester } from '../tickets/index.js';
import { ask, type Context } from './freshdesk.api.js';

const Contact = z.object({ id: z.int() });
const Taken = z.object({
  errors: z.array(z.object({ additional_info: z.object({ user_id: z.int().optional() }).optional() })).default([]),
});

/** The contact who is this customer: found by the contact's id, then, where that is wanted, by an address that a channel vouches for, else made. */
export async function contactOf({ id, name, email, phone }: Requester, ctx: Context): Promise<number> {
  const by = ctx.config.emails && email ? email : undefined;
  const [known = null] = await contacts(ctx, { unique_external_id: id });
  const [found = null] = known === null && by !== undefined ? await contacts(ctx, { email: by }) : [];
  if (known ?? found) return (known ?? found)!.id;
  const body = {
    ...{ name: name.slice(0, 255), unique_external_id: id },
    ...(phone && { phone }),
    ...(by !== undefined && { email: by }),
  };
  const answer = await ask(ctx, '/contacts', { method: 'POST', body, also: [409] });
  if (answer.status !== 409) return readAnswer(Contact, answer).id;
  // Somebody else made it a moment ago, or it is one that is not listed: Freshdesk says which.
  const taken = readAnswer(Taken, answer).errors.flatMap(({ additional_info }) => additional_info?.user_id ?? []);
  if (taken[0] === undefined) throw new DeliveryRefused(409, 'answered 409');
  return taken[0];
}

async function contacts(ctx: Context, query: Readonly<Record<string, string>>) {
  return readAnswer(z.array(Contact), await ask(ctx, `/contacts?${new URLSearchParams(query).toString()}`));
}
