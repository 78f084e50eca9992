import { FakeImap, FakeSmtp } from '#mail/testing';
import type { LoggedRequest, Responder } from '#transport/testing';
import type { SocketProvider } from '../../testing/index.js';
import PostalMime from 'postal-mime';
import { certificate } from './sender.js';

/** After so long a mail that was handed out and not marked counts as not acknowledged. */
const UNMARKED_MS = 4_000;

/** A mailbox for the conformance suite: both of its servers. Mail is acknowledged by being marked as read. */
export class FakeMail implements SocketProvider {
  private constructor(
    private readonly imap: FakeImap,
    private readonly smtp: FakeSmtp,
  ) {}

  static async start(responder: Responder): Promise<FakeMail> {
    const imap = await FakeImap.listen({ tls: certificate });
    const fake = new FakeMail(imap, await FakeSmtp.start({ certificate }));
    fake.answer(responder);
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${this.smtp.port}/?imap=${this.imap.port}`;
  }

  get requests(): LoggedRequest[] {
    return this.smtp.requests;
  }

  answer(respond: Responder): void {
    this.smtp.answer(async (request, index) => {
      if (request.path === '/mail') await describe(request);
      return respond(request, index);
    });
    this.imap.takes = async (secret) => {
      const request = {
        method: 'IMAP',
        path: '/login',
        headers: {},
        query: new URLSearchParams(),
        body: Buffer.from(secret),
      };
      const answer = await respond(request, 0);
      if (typeof answer === 'string') return '[UNAVAILABLE] later';
      const { status = 200, body } = answer;
      if (status < 300) return true;
      return `[${status < 500 ? 'AUTHENTICATIONFAILED' : 'UNAVAILABLE'}] ${JSON.stringify(body ?? 'no')}`;
    };
  }

  async say(octets: Buffer): Promise<boolean> {
    if (this.imap.connections === 0) return false;
    const { inbox } = this.imap;
    const before = this.imap.handedOut.length;
    const letter = this.imap.deliver(octets);
    return new Promise((resolve) => {
      const over = (marked: boolean) => {
        clearInterval(timer);
        resolve(marked);
      };
      let since = Infinity;
      const timer = setInterval(() => {
        if (letter.flags.has('\\Seen')) return over(true);
        if (this.imap.connections === 0 || !inbox.letters.includes(letter)) return over(false);
        if (this.imap.handedOut.slice(before).includes(letter.uid)) since = Math.min(since, Date.now());
        if (Date.now() - since > UNMARKED_MS) over(false);
      }, 5);
    });
  }

  cut(): void {
    this.imap.cut();
  }

  async close(): Promise<void> {
    await Promise.all([this.imap.close(), this.smtp.close()]);
  }
}

/** What a mail says, as the query of its request: headers and texts as another program reads them. */
async function describe({ body, query }: LoggedRequest): Promise<void> {
  const mail = await PostalMime.parse(body);
  const said = {
    ...{ from: mail.from?.address, to: mail.to?.map(({ address }) => address).join(), subject: mail.subject },
    ...{ text: mail.text?.replaceAll('\r\n', '\n').trimEnd(), html: mail.html, inReplyTo: mail.inReplyTo },
    files: mail.attachments.map(({ filename, mimeType }) => `${filename} ${mimeType}`).join(),
  };
  for (const [name, value] of Object.entries(said)) if (value) query.set(name, value);
}
