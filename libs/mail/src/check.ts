import { ProviderFailure } from '#normalizer';
import type { Health } from '#transport';
import type { MailContext } from './context.js';
import { leave, openImap } from './imap/connection.js';
import { withLogin } from './login/login.js';
import { SmtpSession } from './smtp/connection.js';

/**
 * Logs in to both servers, looks for the folders, and asks whether mail for `recipient` would be taken, where one is given; sends nothing. Says which of
 * them fails, and what to do. Never throws.
 */
export async function checkMailbox(ctx: MailContext, recipient?: string): Promise<Health> {
  const imap = await trouble(() => readable(ctx));
  const smtp = await trouble(() => sendable(ctx, recipient));
  const to = recipient === undefined ? '' : ` to ${recipient}`;
  if (!imap && !smtp) return { ok: true, detail: `The mailbox can be read (IMAP) and mail can be sent${to} (SMTP).` };
  const parts = [
    imap ? `Reading (IMAP) fails: ${imap}` : 'Reading (IMAP) works.',
    smtp ? `Sending (SMTP) fails: ${smtp}` : 'Sending (SMTP) works.',
  ];
  return { ok: false, detail: parts.join(' ') };
}

async function readable(ctx: MailContext): Promise<void> {
  const client = await openImap(ctx);
  try {
    const { folders, moveTo } = ctx.config.imap;
    for (const folder of [...folders, ...(moveTo === undefined ? [] : [moveTo])]) {
      const status = await client.status(folder, { uidNext: true }).catch(() => false);
      if (!status && client.usable)
        throw new ProviderFailure('config-invalid', `there is no folder "${folder}" that can be read`);
    }
  } finally {
    await leave(client);
  }
}

async function sendable(ctx: MailContext, recipient: string | undefined): Promise<void> {
  const session = await withLogin('smtp', ctx, (login) => SmtpSession.open(ctx, login));
  if (recipient !== undefined) await session.probe({ from: ctx.config.address, to: [recipient] });
  session.close();
}

/** Why it fails and what to do, in words; null where it does not. */
async function trouble(work: () => Promise<void>): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    if (!(error instanceof ProviderFailure)) return 'something unexpected happened.';
    return `${error.message}. ${ADVICE[error.code] ?? 'Check host, port and security, and whether the server can be reached from here.'}`;
  }
}

const ADVICE: Readonly<Partial<Record<string, string>>> = {
  unauthorized: 'Check user and password, authorisation code or OAuth, and that IMAP and SMTP are switched on for the mailbox.',
  'config-invalid': 'Correct the settings.',
  'recipient-gone': 'Check the address that mail goes to.',
  'content-refused': 'Ask whoever runs the mail server of the recipient.',
  throttled: 'Wait, or close other programs that hold the mailbox open.',
}; // prettier-ignore
