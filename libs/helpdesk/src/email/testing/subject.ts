import { certificate } from '#mail/testing';
import { withDesks, type Desk, type TicketSubject } from '../../testing/index.js';
import type { HelpdeskAction } from '../../core/connector.js';
import type { EmailConfig } from '../email.config.js';
import { email } from '../email.connector.js';
import { FakeMailDesk, type DeskHabits } from './fake-mail-desk.js';

export const now = Date.parse('2026-11-21T09:30:00Z');
const PASSWORDS = ['password-of-one', 'password-of-two'] as const;

export interface More {
  readonly mailbox?: object;
  readonly smtp?: object;
  readonly [name: string]: unknown;
}

const settings = (base: string, password: string, { mailbox, smtp, ...more }: More = {}) => {
  const url = new URL(base);
  const way = { host: url.hostname, tls: { ca: certificate.cert }, timeoutMs: 2_000 };
  return {
    ...{ to: 'desk@desk.example', answersFrom: ['desk.example'] },
    mailbox: {
      ...{ address: 'support@shop.example', name: 'Example Support', password, saveSent: false },
      imap: { ...way, port: Number(url.searchParams.get('imap') ?? 1) },
      smtp: { ...way, port: Number(url.port || 80), ...smtp },
      authentication: { servers: ['mx.shop.example'], verify: false },
      ...mailbox,
    },
    status: {
      commands: { closed: 'Status: resolved', open: 'Status: open' },
      marks: { closed: ['Resolved:'], open: ['Reopened:'] },
    },
    ...more,
  };
};

export const subjectOf = (more: More = {}, habits?: DeskHabits): TicketSubject<EmailConfig> => ({
  connector: email,
  now,
  destinations: [
    { id: 'one', config: (base) => settings(base, PASSWORDS[0], more), signingSecrets: [] },
    { id: 'two', config: (base) => settings(base, PASSWORDS[1], more), signingSecrets: [] },
  ],
  system: () => new FakeMailDesk(now, habits),
  serve: (system, fate) => (system as FakeMailDesk).serve(fate, certificate),
  address: 'mailbox',
});

export type Use = (desk: Desk<EmailConfig>, system: FakeMailDesk) => Promise<void>;
export const desk = (use: Use, more: More = {}, habits?: DeskHabits) =>
  withDesks(subjectOf(more, habits), (first) => use(first, first.system as FakeMailDesk));
/** Of an event of that time. */
export const UUID = `${now.toString(16).padStart(12, '0')}70008000000000000001`;
export const header = (raw: string, name: string) =>
  new RegExp(`^${name}:((?:.|\\r?\\n[ \\t])*)`, 'im').exec(raw)?.[1]?.replace(/\s+/g, ' ').trim() ?? '';
/** The answers that came since it was asked last. */
export async function replies(first: Desk<EmailConfig>): Promise<Extract<HelpdeskAction, { kind: 'reply' }>[]> {
  return (await first.learn()).flatMap((action) => (action.kind === 'reply' ? action : []));
}
