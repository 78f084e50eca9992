import PostalMime, { type Email } from 'postal-mime';
import MailComposer from 'nodemailer/lib/mail-composer';
import { FakeFolder, FakeImap, FakeSmtp, type Received } from '#mail/testing';
import type { Certificate, FakeAnswer } from '#transport/testing';
import type { Fate, FakeTicketSystem, SeenEntry, SeenTicket, Writing } from '../../testing/index.js';
import type { TicketStatus } from '../../tickets/index.js';
import { mailWords } from '../words.js';

const COMMANDS: Readonly<Record<string, TicketStatus>> = { resolved: 'closed', open: 'open', stalled: 'pending' };
const TOLD = { open: 'Reopened', pending: 'Stalled', closed: 'Resolved' } as const;

interface Ticket {
  readonly number: number;
  readonly externalId: string;
  /** The key in the tokens of its mails. */
  readonly id: string;
  readonly subject: string;
  status: TicketStatus;
  readonly entries: SeenEntry[];
  /** Ids of its mails, in order. */
  readonly messageIds: string[];
  readonly replyTo: string;
}

/** How it behaves beside what all such systems do. */
export interface DeskHabits {
  /** It knows mail of an id that it has, and takes it once. */
  readonly dedupes?: boolean;
  /** Its own server keeps what we send in our Sent folder, as Gmail and Microsoft 365 do. */
  readonly keepsSent?: boolean;
  /** It knows a ticket by its tag alone, as RT does. */
  readonly byTagAlone?: boolean;
}

/** A ticket system that has but a mailbox: mail to it becomes a ticket, or an entry of the one that its subject or References name; it answers by mail. */
export class FakeMailDesk implements FakeTicketSystem {
  imap!: FakeImap;
  smtp!: FakeSmtp;
  /** Mails that came, with those that were not taken. */
  readonly mails: Received[] = [];
  readonly boxes: Ticket[] = [];
  private numbers = 0;
  private written = 0;
  private readonly known = new Set<string>();

  constructor(
    private readonly now: number,
    private readonly habits: DeskHabits = { keepsSent: true },
  ) {}

  /** Serves its mailbox and ours. Each login to send is a write: mail is a connection of its own. */
  async serve(fate: () => Fate, certificate: Certificate): Promise<{ base: string; close(): Promise<void> }> {
    this.imap = await FakeImap.listen({ tls: certificate });
    this.imap.takes = () => true;
    if (this.habits.keepsSent) this.imap.folders.set('Sent', new FakeFolder());
    let next: Fate = 'pass';
    this.smtp = await FakeSmtp.start({ certificate }, async ({ path, body }): Promise<FakeAnswer> => {
      if (path === '/auth') return (next = fate()) === 'before' ? 'reset' : {};
      await this.take(body);
      return next === 'after' ? 'reset' : {};
    });
    const base = `http://127.0.0.1:${this.smtp.port}/?imap=${this.imap.port}`;
    return { base, close: async () => void (await Promise.all([this.imap.close(), this.smtp.close()])) };
  }

  respond(): FakeAnswer {
    return { status: 500 };
  }

  isWrite(): boolean {
    return false;
  }

  tickets(): readonly SeenTicket[] {
    return this.boxes.map(({ id, externalId, subject, status, entries }) => ({
      ...{ id, externalId, subject, status, entries, fields: {} },
    }));
  }

  answer(ticketId: string, { text, author, files = [] }: Writing): null {
    const ticket = this.of(ticketId);
    const history = `On Sat, 21 Nov 2026 at 10:30, Example Support <support@shop.example> wrote:\n> ${ticket.entries.map((entry) => entry.text).join('\n').replaceAll('\n', '\n> ')}`; // prettier-ignore
    ticket.entries.push({ text, isHtml: false, isPublic: true, by: 'agent', files: [...files] });
    this.mail(ticket, {
      subject: `Re: ${this.tag(ticket)} ${ticket.subject}`,
      text: `${text}\n\n-- \n${author}\nExample Ltd, 1 Long Street\n\n${history}\n`,
      from: { name: author, address: 'lin@desk.example' },
      attachments: files.map(({ name, mimeType, content }) => ({ filename: name, contentType: mimeType, content })),
      headers: { Precedence: 'bulk' },
    });
    return null;
  }

  /** Of notes nobody is mailed. */
  note(ticketId: string, { text }: Writing): null {
    this.of(ticketId).entries.push({ text, isHtml: false, isPublic: false, by: 'agent', files: [] });
    return null;
  }

  setStatus(ticketId: string, status: TicketStatus): null {
    const ticket = this.of(ticketId);
    ticket.status = status;
    const text = 'According to our records, your request changed. If you have any further questions, answer this mail.';
    this.mail(ticket, { subject: `${this.tag(ticket)} ${TOLD[status]}: ${ticket.subject}`, text });
    return null;
  }

  remove(ticketId: string): void {
    this.boxes.splice(this.boxes.indexOf(this.of(ticketId)), 1);
  }

  /** Reports that the mail of an entry did not arrive. */
  bounce(mail: Received): void {
    this.imap.deliver(this.bounced(mail));
  }

  /** Such a report; `by`: the sender of its envelope, of which an honest one has none. */
  bounced({ raw }: Received, by = ''): string {
    const head = raw.slice(0, raw.indexOf('\r\n\r\n'));
    return [
        ...[`Return-Path: <${by}>`, 'From: Mail Delivery System <mailer-daemon@mx.desk.example>', 'To: support@shop.example'],
        ...['Subject: Undelivered Mail Returned to Sender', 'Message-ID: <bounce@mx.desk.example>', 'Auto-Submitted: auto-replied'],
        ...['Content-Type: multipart/report; report-type=delivery-status; boundary=b', '', '--b', '', 'It came back.', '--b'],
        ...['Content-Type: message/delivery-status', '', 'Reporting-MTA: dns; mx.desk.example', '', 'Final-Recipient: rfc822; desk@desk.example'],
        ...['Action: failed', 'Status: 5.1.1', 'Diagnostic-Code: smtp; 550 5.1.1 no such user', '', '--b'],
        ...['Content-Type: text/rfc822-headers', '', head, '', '--b--', ''],
    ].join('\r\n');
  } // prettier-ignore

  /** Mails us, as from itself unless said otherwise: proven by our border. */
  mail(ticket: Ticket, content: Record<string, unknown>, { proven = true, about = true } = {}): void {
    this.written += 1;
    const [first = ''] = ticket.messageIds;
    const references = { inReplyTo: ticket.messageIds.at(-1) ?? first, references: ticket.messageIds };
    new MailComposer({
      ...{ from: 'Desk <desk@desk.example>', to: ticket.replyTo, date: new Date(this.now) },
      messageId: `<${this.written}@desk.example>`,
      ...(about && references),
      ...content,
    })
      .compile()
      .build((_error: Error | null, octets: Buffer) => {
        const border = 'Authentication-Results: mx.shop.example; dmarc=pass header.from=desk.example\r\n';
        this.imap.deliver(proven ? Buffer.concat([Buffer.from(border), octets]) : octets, { date: new Date(this.now) });
      });
  }

  tag({ number }: Ticket): string {
    return `[desk.example #${number}]`;
  }

  private of(ticketId: string): Ticket {
    const ticket = this.boxes.find(({ id }) => id === ticketId);
    if (!ticket) throw new Error(`there is no ticket ${ticketId}`);
    return ticket;
  }

  private async take(octets: Buffer): Promise<void> {
    const mail = await PostalMime.parse(octets);
    const { messageId = '' } = mail;
    this.mails.push({
      from: mail.from?.address ?? '',
      to: mail.to?.[0]?.address ?? '',
      raw: octets.toString('latin1'),
    });
    if (this.habits.keepsSent) this.imap.folders.get('Sent')?.add(octets, new Date(this.now));
    if (this.habits.dedupes && this.known.has(messageId)) return;
    this.known.add(messageId);
    const ticket = this.found(mail);
    const isNew = ticket === undefined;
    const into = ticket ?? this.open(mail);
    into.messageIds.push(messageId);
    into.entries.push(...entriesOf(mail));
    const command = /^Status: (\w+)$/m.exec(mail.text ?? '')?.[1];
    if (command) into.status = COMMANDS[command] ?? into.status;
    const submitted = mail.headers.find(({ key }) => key === 'auto-submitted');
    if (!isNew || submitted) return;
    this.mail(into, {
      ...{ subject: `${this.tag(into)} AutoReply: ${into.subject}`, text: 'Your request was received.' },
      headers: { 'Auto-Submitted': 'auto-replied' },
    });
  }

  private found({ subject = '', references = '', inReplyTo = '' }: Email): Ticket | undefined {
    const number = Number(/\[desk\.example #(\d+)\]/.exec(subject)?.[1] ?? 0);
    const named = `${references} ${inReplyTo}`;
    return this.boxes.find(
      (box) =>
        box.number === number ||
        (!this.habits.byTagAlone && box.messageIds.some((id) => named.includes(id.replace(/[<>]/g, '')))),
    );
  }

  private open(mail: Email): Ticket {
    this.numbers += 1;
    const box: Ticket = {
      ...{ number: this.numbers, subject: (mail.subject ?? '').replace(/^Re: /, ''), status: 'open', entries: [] },
      externalId: mail.headers.find(({ key }) => key === 'x-tributary-conversation')?.value ?? '',
      id: /^<t\.([^.]+)\./.exec(mail.messageId ?? '')?.[1] ?? '',
      messageIds: [],
      replyTo: mail.replyTo?.[0]?.address ?? mail.from?.address ?? '',
    };
    this.boxes.push(box);
    return box;
  }
}

/** A mail as its readers see it: what it says that it is for them alone is internal. */
function entriesOf({ html, text = '', attachments }: Email): SeenEntry[] {
  const { internal, about } = mailWords('en');
  const isHtml = html !== undefined;
  const body = html ?? text;
  const at = body.indexOf(about);
  const files = attachments.map(({ filename, content }) => ({
    name: filename ?? '',
    content: Buffer.from(content as ArrayBuffer),
  }));
  const said = { text: at < 0 ? body : body.slice(0, at), isPublic: !body.includes(internal), files };
  const facts = at < 0 ? [] : [{ text: body.slice(at), isPublic: false, files: [] }];
  return [said, ...facts].map((entry) => ({ ...entry, isHtml, by: 'us' as const }));
}
