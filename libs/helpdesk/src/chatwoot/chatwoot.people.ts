import { z } from 'zod';
import { DeliveryRefused } from '../core/connector.js';
import { readAnswer, type Requester } from '../tickets/index.js';
import { ask, contacts, type Context } from './chatwoot.api.js';

const Made = z.object({ payload: z.object({ contact: z.object({ id: z.int() }) }) });

/** The contact of Chatwoot that a customer is, made where there is none: by the gateway's id of them, else by an address that a channel or a proof vouches for. */
export async function contactOf({ id, name, email, phone }: Requester, ctx: Context): Promise<number> {
  const known = (await byIdentifier(id, ctx)) ?? (email && (await byMail(email, ctx)));
  if (known) return known;
  const bare = { name: name.slice(0, 200), identifier: id };
  // A number that another contact has, or that Chatwoot does not take for one, is no reason to lose the conversation.
  for (const body of [{ ...bare, ...(email && { email }), ...(phone && { phone_number: phone }) }, bare]) {
    const answer = await ask(ctx, '/contacts', { method: 'POST', body, also: [422] });
    if (answer.status !== 422) return readAnswer(Made, answer).payload.contact.id;
    // Somebody else may just have made it.
    const made = await byIdentifier(id, ctx);
    if (made) return made;
  }
  throw new DeliveryRefused(422, 'the contact is not taken');
}

async function byIdentifier(id: string, ctx: Context): Promise<number | undefined> {
  return (await contacts(ctx, id)).find(({ identifier }) => identifier === id)?.id;
}

async function byMail(email: string, ctx: Context): Promise<number | undefined> {
  const wanted = email.toLowerCase();
  return (await contacts(ctx, email)).find((one) => one.email?.toLowerCase() === wanted)?.id;
}
