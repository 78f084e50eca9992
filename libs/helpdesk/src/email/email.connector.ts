import { checkMailbox, findSent, lookThrough, openMailFile, readPosition, writePosition, type MailReader } from '#mail';
import { ProviderFailure, type Handle, type StreamEvent } from '#normalizer';
import type { Health } from '#transport';
import type { HelpdeskAction, HelpdeskConnector, HelpdeskPage } from '../core/connector.js';
import { ticketConnector } from '../tickets/index.js';
import { actionsOf } from './answers.js';
import { emailConfig, type EmailConfig } from './email.config.js';
import { append, create, find, recorded } from './send.js';
import { keepThread, mailboxOf, ticketIdOf, type Context } from './thread.js';

const tickets = ticketConnector<EmailConfig>({
  type: 'email',
  title: 'E-mail (any ticket system that has a mailbox)',
  config: emailConfig,
  capabilities: {
    asCustomer: false,
    html: true,
    // Mail grows by a third on its way, and few systems take more than 25 MB.
    maxAttachmentBytes: 10_000_000,
    opensWithFacts: true,
    statusAsNotes: true,
  },
  find,
  create,
  append,
  recorded,
  poll: { everyMs: 10_000, poll },
  openFile: (ref, ctx) => openMailFile(ref, mailboxOf(ctx)),
  check,
});

/**
 * Any ticket system that has but a mailbox: one thread of mails for each conversation, answers by mail. The system cannot be asked: what was sent is
 * looked up in our own Sent folder, and what belongs to which ticket is known by signed tokens in the mails.
 */
export const email: HelpdeskConnector<EmailConfig> = {
  ...tickets,
  async deliver(events, ctx) {
    if (events.some((event) => isOwnMail(event, ctx)))
      throw new ProviderFailure(
        'content-refused',
        'it is mail of this destination, come back: `to` leads into a channel',
      );
    const receipt = await tickets.deliver(events, ctx);
    for (const { type, data } of events)
      for (const id of (type === 'contact.erased' && data?.erasure?.conversationIds) || [])
        await keepThread(ticketIdOf(id, ctx), null, ctx);
    return receipt;
  },
  async missing(events, ctx) {
    if ((await findSent([], mailboxOf(ctx))) === null)
      throw new ProviderFailure('config-invalid', 'the mailbox has no Sent folder in which to look for what was sent');
    return tickets.missing!(events, ctx);
  },
};

/** Is the customer our own mailbox? Then what we would send comes back as the next message, without end. */
function isOwnMail({ type, data }: StreamEvent, { config }: Context): boolean {
  const { address, aliases } = config.mailbox;
  const isOurs = (handle: Handle) => handle.scheme === 'email' && [address, ...aliases].includes(handle.value);
  return (
    type === 'message.received' && data?.account?.channel === 'email' && data.contact?.handles.some(isOurs) === true
  );
}

/** What came since, of every folder. */
async function poll(cursor: string | null, ctx: Context): Promise<HelpdeskPage> {
  const reader: MailReader<HelpdeskAction> = {
    read: (source, where) => actionsOf(source, where, ctx),
    // Nobody can say whose it was, or of what.
    unread: () => [],
  };
  const { found, position, more } = await lookThrough(readPosition(cursor), mailboxOf(ctx), reader);
  return { actions: found, cursor: writePosition(position), more };
}

async function check(ctx: Context): Promise<Health> {
  const health = await checkMailbox(mailboxOf(ctx), ctx.config.to);
  if (!health.ok) return health;
  try {
    if ((await findSent([], mailboxOf(ctx))) !== null) return health;
  } catch (error) {
    return { ok: false, detail: `The Sent folder cannot be read: ${(error as Error).message}.` };
  }
  const detail = `${health.detail} There is no Sent folder: after a failure of the network a mail may come twice. Make a folder "Sent".`;
  return { ok: true, detail };
}
