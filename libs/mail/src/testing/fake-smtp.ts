import { createServer as createTcp, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTls, TLSSocket } from 'node:tls';
import type { Certificate, FakeAnswer, FakeProvider, LoggedRequest, Responder } from '#transport/testing';

/** What is done at a step: a reply (lines joined by CRLF), or none and worse. */
export type Say = string | 'hang' | 'close' | 'reset' | 'drip';
/** Steps of the conversation: `.` is the end of a mail. */
export type Step = 'connect' | 'EHLO' | 'HELO' | 'STARTTLS' | 'AUTH' | 'MAIL' | 'RCPT' | 'DATA' | 'BODY' | '.' | 'QUIT';
export type Script = Partial<Record<Step, Say>>;

/** A mail as it came. */
export interface Received {
  readonly from: string;
  readonly to: string;
  /** The octets between DATA and the dot, dots as they were meant. */
  readonly raw: string;
}

export interface FakeSmtpOptions {
  readonly certificate: Certificate;
  readonly security?: 'tls' | 'starttls';
  /** What EHLO offers once the connection is encrypted. */
  readonly offers?: readonly string[];
  readonly port?: number;
}

const OFFERS = ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'SIZE 30000000', 'AUTH PLAIN LOGIN XOAUTH2'];
/** How HTTP's answers are said by a mail server. */
const STATUSES: Readonly<Record<number, string>> = {
  400: '554 5.6.0 not like this',
  401: '535 5.7.8 wrong password',
  403: '550 5.7.1 not from here',
  404: '550 5.1.1 nobody',
  429: '451 4.7.1 too many',
};

/** A mail server on loopback whose every reply can be scripted, and which keeps every octet. What is mail and login it logs as requests. */
export class FakeSmtp implements FakeProvider {
  readonly requests: LoggedRequest[] = [];
  readonly mails: Received[] = [];
  /** Every command line, of all connections. */
  readonly lines: string[] = [];
  /** Was anything said in the clear that is not for everybody? */
  readonly inTheClear: string[] = [];
  script: Script = {};
  private readonly sockets = new Set<Socket>();
  private server!: Server;

  private constructor(
    private readonly options: FakeSmtpOptions,
    private respond: Responder,
  ) {}

  static async start(options: FakeSmtpOptions, respond: Responder = () => ({})): Promise<FakeSmtp> {
    const fake = new FakeSmtp(options, respond);
    const { certificate, security = 'tls', port = 0 } = options;
    const take = (socket: Socket) => void fake.take(socket);
    fake.server =
      security === 'tls' ? createTls({ ...certificate, noDelay: true }, take) : createTcp({ noDelay: true }, take);
    fake.server.on('tlsClientError', () => undefined);
    await new Promise<void>((done) => fake.server.listen(port, '127.0.0.1', done));
    return fake;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `smtps://127.0.0.1:${this.port}`;
  }

  /** Connections that stand. */
  get connections(): number {
    return this.sockets.size;
  }

  answer(respond: Responder): void {
    this.respond = respond;
  }

  close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    return new Promise((done) => this.server.close(() => done()));
  }

  private async take(raw: Socket): Promise<void> {
    this.sockets.add(raw);
    raw.once('close', () => this.sockets.delete(raw));
    let socket = raw;
    const talk = { from: '', to: '', secure: raw instanceof TLSSocket };
    socket.on('error', () => undefined);
    if (!(await this.say(socket, 'connect', '220 fake.example ESMTP'))) return;
    let reader = new Lines(socket);
    for (;;) {
      const line = await reader.next();
      if (line === undefined) return;
      this.lines.push(line);
      const [verb = ''] = line.toUpperCase().split(/[ :]/, 1);
      if (!talk.secure && !['EHLO', 'HELO', 'STARTTLS', 'QUIT'].includes(verb)) this.inTheClear.push(line);
      if (verb === 'STARTTLS') {
        if (!(await this.say(socket, 'STARTTLS', '220 go ahead'))) return;
        if (this.script.STARTTLS !== undefined && !this.script.STARTTLS.startsWith('220')) continue;
        socket = new TLSSocket(raw, { isServer: true, ...this.options.certificate });
        socket.on('error', () => undefined);
        talk.secure = true;
        reader.leave();
        reader = new Lines(socket);
      } else if (!(await this.obey(verb, line, { socket, reader, talk }))) return;
    }
  }

  private async obey(verb: string, line: string, at: Place): Promise<boolean> {
    const { socket, talk } = at;
    switch (verb) {
      case 'EHLO':
        return this.say(socket, 'EHLO', this.ehlo(talk.secure));
      case 'AUTH':
        return this.login(line, at);
      case 'MAIL':
        talk.from = between(line);
        return this.say(socket, 'MAIL', '250 2.1.0 ok');
      case 'RCPT':
        talk.to = between(line);
        return this.say(socket, 'RCPT', refused(this.script.MAIL) ? '503 5.5.1 no sender' : '250 2.1.5 ok');
      case 'DATA':
        return this.data(at);
      case 'QUIT':
        await this.say(socket, 'QUIT', '221 2.0.0 bye');
        socket.end();
        return false;
      default:
        return this.say(socket, verb as Step, '502 5.5.1 what?');
    }
  }

  private ehlo(secure: boolean): string {
    const offers = secure ? (this.options.offers ?? OFFERS) : ['STARTTLS', 'AUTH PLAIN'];
    const lines = ['fake.example', ...offers];
    return lines.map((offer, i) => `250${i === lines.length - 1 ? ' ' : '-'}${offer}`).join('\r\n');
  }

  private async login(line: string, { socket, reader }: Place): Promise<boolean> {
    if (this.script.AUTH) return this.say(socket, 'AUTH', this.script.AUTH);
    const answer = await this.respond(this.logged('/auth', Buffer.from(line)), this.requests.length - 1);
    const said = wordsOf(answer, '235 2.7.0 welcome');
    const sent = await this.say(socket, 'AUTH', said);
    if (said.startsWith('334')) {
      this.lines.push((await reader.next()) ?? '');
      return this.say(socket, 'AUTH', '535 5.7.8 no');
    }
    return sent;
  }

  private async data({ socket, reader, talk }: Place): Promise<boolean> {
    const nobody = refused(this.script.MAIL) || refused(this.script.RCPT);
    if (!(await this.say(socket, 'DATA', nobody ? '503 5.5.1 no recipient' : '354 go on'))) return false;
    if (refused(this.script.DATA) || (nobody && this.script.DATA === undefined)) return true;
    if (this.script.BODY) return this.say(socket, 'BODY', this.script.BODY);
    const lines: string[] = [];
    for (;;) {
      const line = await reader.next();
      if (line === undefined) return false;
      if (line === '.') break;
      lines.push(line.startsWith('.') ? line.slice(1) : line);
    }
    const raw = lines.map((line) => `${line}\r\n`).join('');
    this.mails.push({ from: talk.from, to: talk.to, raw });
    const request = this.logged('/mail', Buffer.from(raw, 'latin1'));
    const answer = await this.respond(request, this.requests.length - 1);
    return this.say(socket, '.', wordsOf(answer, '250 2.0.0 queued as 4711'));
  }

  private logged(path: string, body: Buffer): LoggedRequest {
    const request = { method: 'SMTP', path, headers: {}, query: new URLSearchParams(), body };
    this.requests.push(request);
    return request;
  }

  /** Says what the script has for a step, else this; false where nothing more will be said. */
  private async say(socket: Socket, step: Step, usual: string): Promise<boolean> {
    const said = this.script[step] ?? usual;
    if (said === 'hang') return false;
    if (said === 'drip') return drip(socket);
    if (said === 'close' || said === 'reset') {
      if (said === 'reset' && !(socket instanceof TLSSocket)) socket.resetAndDestroy();
      else socket.destroy();
      return false;
    }
    const half = said.endsWith('\0');
    await new Promise((done) => socket.write(half ? said.slice(0, -1) : `${said}\r\n`, 'latin1', done));
    if (half) socket.destroy();
    return !half;
  }
}

interface Place {
  readonly socket: Socket;
  readonly reader: Lines;
  readonly talk: { from: string; to: string; secure: boolean };
}

/** Says a byte now and then, for ever, and never ends a line. */
function drip(socket: Socket): false {
  const timer = setInterval(() => socket.write('2'), 50);
  socket.once('close', () => clearInterval(timer));
  return false;
}

function wordsOf(answer: FakeAnswer, good: string): Say {
  if (answer === 'hang' || answer === 'reset' || answer === 'drip') return answer;
  if (answer === 'reset-mid-body') return `${good.slice(0, 2)}\0`;
  const { status = 200, body } = answer;
  const words = body === undefined ? '' : ` ${JSON.stringify(body)}`;
  if (status >= 300) return `${STATUSES[status] ?? '451 4.3.0 not now'}${words}`;
  return typeof body === 'string' ? body.replace(/^(?!\d{3}[ -])/, '<') : good;
}

function refused(said: Say | undefined): boolean {
  return /^[45]/.test(said ?? '');
}

function between(line: string): string {
  return /<([^]*)>/.exec(line)?.[1] ?? '';
}

/** Lines as they come, octet for octet, without their ends. */
class Lines {
  private rest = '';
  private over = false;
  private wake: () => void = () => undefined;
  private readonly take = (chunk: Buffer): void => {
    this.rest += chunk.toString('latin1');
    this.wake();
  };

  constructor(private readonly socket: Socket) {
    socket.on('data', this.take);
    socket.once('close', () => {
      this.over = true;
      this.wake();
    });
  }

  /** The next line; undefined where the connection ends. */
  async next(): Promise<string | undefined> {
    for (;;) {
      const end = this.rest.indexOf('\r\n');
      if (end >= 0) {
        const line = this.rest.slice(0, end);
        this.rest = this.rest.slice(end + 2);
        return line;
      }
      if (this.over) return undefined;
      await new Promise<void>((wake) => (this.wake = wake));
    }
  }

  leave(): void {
    this.socket.off('data', this.take);
  }
}
