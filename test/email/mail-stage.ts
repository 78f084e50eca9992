import { setStage, until, type Stage } from '../support/index.js';
import { MailLine } from './mail-line.js';
import { MailServers, PASSWORDS } from './mail-servers.js';

/** A gateway with a mailbox (account `mail`) between a customer, anna@customer.test, and a helpdesk. */
export class MailStage {
  private constructor(
    readonly servers: MailServers,
    readonly line: MailLine,
    readonly stage: Stage,
  ) {}

  static async set({ imap = {}, before = async (_servers: MailServers) => undefined as void } = {}): Promise<MailStage> {
    const servers = await MailServers.start();
    await before(servers);
    const line = await MailLine.to(servers.places.imaps);
    const tls = { ca: servers.certificate.cert, serverName: 'mail.test' };
    const config = {
      ...{ address: 'support@shop.test', name: 'Shop', password: PASSWORDS.support, authentication: { verify: false } },
      imap: { host: '127.0.0.1', port: line.port, tls, pollS: 2, idleS: 2, timeoutMs: 4_000, ...imap },
      smtp: { host: '127.0.0.1', port: servers.places.smtps, tls },
      rate: { perMinute: 6_000, perRecipientPerMinute: 600 },
    };
    const stage = await setStage({ accounts: [{ id: 'mail', type: 'email', name: 'Mail', config }] });
    const all = new MailStage(servers, line, stage);
    await all.connected();
    return all;
  }

  async write(subject: string, more: Parameters<typeof mail>[1] = {}): Promise<void> {
    await this.servers.deliver(mail(subject, more));
  }

  /** What the helpdesk got under this subject. */
  received(subject: string) {
    const found = () => this.stage.helpdesk.of('message.received').filter(({ data }) => data?.message?.subject === subject);
    return until(`"${subject}" at the helpdesk`, () => found().at(0), 90_000);
  }

  /** Messages in the store, by subject: each as often as it stands there. */
  async stored(): Promise<string[]> {
    const events = await this.stage.drained();
    return events.flatMap(({ type, data }) => (type === 'message.received' ? [data?.message?.subject ?? ''] : []));
  }

  async account(): Promise<{ state: string; stateDetail: string | null }> {
    return (await this.stage.gateway.api.get<{ state: string; stateDetail: string | null }>('/v1/accounts/mail')).body;
  }

  connected(): Promise<unknown> {
    return until('the mailbox to be open', async () => (await this.account()).state === 'connected' || undefined, 60_000);
  }

  async close(): Promise<void> {
    await this.stage.close();
    await this.line.close();
    await this.servers.close();
  }
} // prettier-ignore

let counter = 0;

/** A mail of Anna's, unless it is `from` another. */
export function mail(
  subject: string,
  { body = 'Hello.', headers = [] as string[], from = 'anna@customer.test' } = {},
): string {
  counter += 1;
  return [
    `From: Anna <${from}>`,
    'To: support@shop.test',
    `Subject: ${subject}`,
    ...(headers.some((line) => /^message-id/i.test(line))
      ? []
      : [`Message-ID: <${process.pid}.${counter}@customer.test>`]),
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    ...(headers.some((line) => /^content-type/i.test(line)) ? [] : ['Content-Type: text/plain; charset=utf-8']),
    ...headers,
    '',
    body,
    '',
  ].join('\r\n');
}
