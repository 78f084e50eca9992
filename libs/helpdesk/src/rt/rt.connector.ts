import { z } from 'zod';
import type { HelpdeskConnector } from '../core/connector.js';
import { checked, ticketConnector, Unfit } from '../tickets/index.js';
import { ask, isPrivileged, ownId, read, type RtContext } from './rt.api.js';
import { rtConfig, type RtConfig } from './rt.config.js';
import { openFile, poll } from './rt.read.js';
import { append, create, find, recorded, setFields, setStatus } from './rt.write.js';

const Version = z.object({ Version: z.string() });
const Queue = z.object({
  Name: z.string(),
  TicketCustomFields: z.array(z.object({ name: z.string().nullish() })).default([]),
  _hyperlinks: z.array(z.object({ ref: z.string() })).default([]),
});

/** Request Tracker 5, by its REST interface. */
export const rt: HelpdeskConnector<RtConfig> = ticketConnector<RtConfig>({
  type: 'rt',
  title: 'Request Tracker',
  config: rtConfig,
  // RT's own limit is 10,000,000 bytes (`$MaxAttachmentSize`), beyond which it cuts or drops.
  capabilities: { asCustomer: false, html: true, maxAttachmentBytes: 9_500_000 },
  find,
  create,
  append,
  recorded,
  setStatus,
  setFields,
  openFile,
  poll: { everyMs: 5_000, poll },
  check: (ctx) => checked(() => examine(ctx)),
});

async function examine(ctx: RtContext): Promise<string> {
  const { Version: version } = read(Version, await ask(ctx, '/rt'));
  const { config } = ctx;
  if (!(await isPrivileged(ctx, ownId(ctx))))
    throw new Unfit('The user of the token cannot see who is an agent: check "Let this user be granted rights" of it.');
  for (const queue of new Set([config.queue, ...Object.values(config.queues ?? {})])) await examineQueue(queue, ctx);
  if (config.requestor === 'contact') await examineRequestors(ctx);
  return `RT ${version} takes the token, and the queue ${config.queue} takes tickets.`;
}

async function examineQueue(name: string, ctx: RtContext): Promise<void> {
  const answer = await ask(ctx, `/queue/${encodeURIComponent(name)}`, { also: [403, 404] });
  if (answer.status !== 200)
    throw new Unfit(`There is no queue ${name}, or our user may not see it: grant SeeQueue, or correct \`queue\`.`);
  const queue = read(Queue, answer);
  if (!queue._hyperlinks.some(({ ref }) => ref === 'create'))
    throw new Unfit(
      `Our user may not make tickets in the queue ${name}: grant CreateTicket (and the other rights of the README).`,
    );
  const there = queue.TicketCustomFields.map((field) => field.name);
  const lacking = Object.values(ctx.config.fields ?? {}).filter((field) => !there.includes(field));
  if (lacking.length > 0)
    throw new Unfit(`The queue ${name} has no custom field ${lacking.join(', ')}: make it, and apply it to the queue.`);
}

/** A user without a name is refused for that, unless making users is refused at all. */
async function examineRequestors(ctx: RtContext): Promise<void> {
  const answer = await ask(ctx, '/user', { method: 'POST', body: { Privileged: 0 }, also: [400, 403] });
  if (answer.status === 403 || /permission/i.test(answer.text()))
    throw new Unfit('Our user may not make users: grant AdminUsers to it globally, or set `requestor: none`.');
}
