import { z } from 'zod';
import { readAnswer, Unfit } from '../tickets/index.js';
import { ask, askAt, inbox, type Context } from './chatwoot.api.js';

const Profile = z.object({
  name: z.string().nullish(),
  accounts: z.array(z.object({ id: z.int(), role: z.string().nullish() })).default([]),
});

/** Who we are, and whether account, inbox and teams are there; throws `Unfit` in words. */
export async function examine(ctx: Context): Promise<string> {
  const { account, inbox: number, queues = {} } = ctx.config;
  const { name, accounts } = readAnswer(Profile, await askAt(ctx, '/api/v1/profile'));
  const role = accounts.find(({ id }) => id === account)?.role;
  if (!role) throw new Unfit(`This user does not belong to the account ${account}: see the number in its address.`);
  if (role !== 'administrator')
    throw new Unfit('This user is no administrator of the account: Chatwoot would assign conversations to it.');
  const found = await inbox(ctx, { also: [404] });
  if (!found) throw new Unfit(`The account has no inbox ${number}: see the number in the address of its settings.`);
  if (found.channel_type !== 'Channel::Api')
    throw new Unfit(`The inbox ${JSON.stringify(found.name)} is not of the channel API: make one that is.`);
  const teams = z.array(z.object({ id: z.int(), name: z.string() }));
  const all = Object.keys(queues).length > 0 ? readAnswer(teams, await ask(ctx, '/teams')) : [];
  for (const [queue, team] of Object.entries(queues))
    if (!all.some(({ id }) => id === team))
      throw new Unfit(
        `There is no team ${team}, which \`queues.${queue}\` names. There is: ${all.map((one) => `${one.id} ${one.name}`).join(', ')}.`,
      );
  return `Works as ${name ?? '?'}, in the inbox ${found.name}.`;
}
