import { z } from 'zod';
import { readAnswer, type Requester } from '../tickets/index.js';
import { ask, users, type Context } from './zendesk.api.js';

/**
 * The end user who is this customer: found by the contact's id, then by an address that a channel vouches for, else made. Who is found is left as they are: they may be
 * an agent, and users may be changed a few times a minute only.
 */
export async function userOf({ id, name, email, phone }: Requester, ctx: Context): Promise<number> {
  const [known] = await users(ctx, `search.json?${new URLSearchParams({ external_id: id }).toString()}`);
  if (known?.id) return known.id;
  const named = email
    ? await users(
        ctx,
        `search.json?${new URLSearchParams({ query: `email:"${email.replaceAll('"', '')}"` }).toString()}`,
      )
    : [];
  const found = named.find((one) => one.email?.toLowerCase() === email?.toLowerCase());
  if (found?.id) return found.id;
  const user = {
    ...{ external_id: id, name: name.slice(0, 255), skip_verify_email: true },
    ...(email && { email }),
    ...(phone && { phone }),
  };
  const answer = await ask(ctx, '/users/create_or_update.json', { method: 'POST', body: { user } });
  return readAnswer(z.object({ user: z.object({ id: z.int() }) }), answer).user.id;
}
