import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { ProviderFailure } from '#normalizer';
import type { Dial } from '#transport';
import SMTPConnection, { type SMTPEnvelope } from 'nodemailer/lib/smtp-connection';
import type { MailContext } from '../context.js';
import type { Login } from '../login/login.js';
import { portOf, type Mailbox } from '../settings.js';
import { connectFailure, smtpFailure } from './failures.js';
import { split } from './identity.js';

type Context = Pick<MailContext, 'config' | 'dial' | 'signal'>;
type Socket = ReturnType<Dial>;
type Step<T> = (done: (error: Error | null | undefined, result?: T) => void) => void;

/** How often a whole mail may take as long as a single answer. */
const WHOLE = 10;
const MOST_ANSWER_BYTES = 65_536;
const CLOSING_MS = 1_000;

interface Offers {
  /** Largest mail, bytes; undefined where it does not say. */
  readonly maxBytes: number | undefined;
  /** Addresses with other letters than ASCII (RFC 6531). */
  readonly international: boolean;
}

/** A connection to the SMTP server, encrypted and logged in. */
export class SmtpSession {
  private constructor(
    private readonly connection: SMTPConnection,
    private readonly about: { readonly stop: AbortSignal; readonly config: Mailbox; readonly offers: Offers },
  ) {}

  /** What it says that it takes. */
  get offers(): Offers {
    return this.about.offers;
  }

  /** Connects by TLS from the first octet or by STARTTLS, never without, and logs in. Throws `ProviderFailure`. */
  static async open({ config, dial, signal }: Context, login: Login): Promise<SmtpSession> {
    demandKey(config);
    const stop = AbortSignal.any([signal, AbortSignal.timeout(WHOLE * config.smtp.timeoutMs)]);
    const socket = await connected({ config, dial, signal });
    const connection = new SMTPConnection(optionsOf(config, socket));
    // An error after the last step concerns nobody.
    connection.on('error', () => undefined);
    const take = <T>(step: Step<T>) => stepOf(connection, stop, step);
    try {
      await take((done) => connection.connect(done));
      const offers = offersIn(String(connection.lastServerResponse));
      if (connection.allowsAuth) await take((done) => connection.login(authOf(login), done));
      return new SmtpSession(connection, { stop, config, offers });
    } catch (error) {
      connection.close();
      throw smtpFailure(error, { config, handedOver: false });
    }
  }

  /**
   * Hands a mail over; resolves with the server's answer. Throws whatever went wrong with `handedOver`: had the server been given the
   * whole mail by then?
   */
  async send(envelope: SMTPEnvelope, source: Readable): Promise<{ serverMessageId?: string }> {
    let handedOver = false;
    source.once('end', () => (handedOver = true));
    try {
      const sent = await stepOf<{ serverMessageId?: string }>(this.connection, this.about.stop, (done) =>
        this.connection.send(envelope, source, done),
      );
      this.connection.quit();
      return sent ?? {};
    } catch (error) {
      this.connection.close();
      source.destroy();
      throw new SendingStopped(error, handedOver);
    }
  }

  /** Asks whether the server would take mail for somebody, and leaves before any is handed over. Throws `ProviderFailure` where it would not. */
  async probe(envelope: SMTPEnvelope): Promise<void> {
    const { connection } = this;
    let taken = false;
    const never = new Readable({
      read() {
        // The server waits for the mail: it took both addresses, and discards what does not end.
        taken = true;
        connection.close();
        this.push(null);
      },
    });
    try {
      await stepOf(connection, this.about.stop, (done) => connection.send(envelope, never, done));
    } catch (error) {
      if (!taken) throw smtpFailure(error, { config: this.about.config, handedOver: false });
    } finally {
      connection.close();
    }
  }

  close(): void {
    this.connection.close();
  }
}

/** Sending a mail ended before the server said that it has it. */
export class SendingStopped extends Error {
  constructor(
    override readonly cause: unknown,
    readonly handedOver: boolean,
  ) {
    super('sending stopped');
  }
}

/** One step of the conversation: ends with its answer, with the connection, or when it is to stop. */
function stepOf<T>(connection: SMTPConnection, stop: AbortSignal, step: Step<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    // Where it ends for a reason, that is told right after.
    const over = () => setImmediate(() => settle(new Error('the connection ended')));
    const late = () => settle(new Error('it took too long'));
    const settle = (error?: Error | null, result?: T) => {
      connection.off('error', settle).off('end', over);
      stop.removeEventListener('abort', late);
      if (error) reject(error);
      else resolve(result);
    };
    connection.once('error', settle).once('end', over);
    stop.addEventListener('abort', late);
    if (stop.aborted) return late();
    step(settle);
  });
}

/** What an answer to EHLO offers. */
function offersIn(answer: string): Offers {
  const size = Number(/^250[ -]SIZE[ \t]+(\d{1,15})\s*$/im.exec(answer)?.[1] ?? 0);
  return { maxBytes: size || undefined, international: /^250[ -]SMTPUTF8\b/im.test(answer) };
}

/** Throws `config-invalid` where mail is to be signed by a key that is none, or that DKIM is not signed by here. */
function demandKey({ dkim }: Mailbox): void {
  if (dkim && keyType(dkim.privateKey) !== 'rsa')
    throw new ProviderFailure('config-invalid', 'dkim.privateKey is no RSA private key in PEM');
}

function keyType(pem: string): string | undefined {
  try {
    return createPrivateKey(pem).asymmetricKeyType;
  } catch {
    return undefined;
  }
}

async function connected({ config, dial, signal }: Context): Promise<Socket> {
  const { host, security, tls, timeoutMs } = config.smtp;
  const { ca, serverName } = tls;
  const encrypted = security === 'tls';
  const options = { ...(ca && { ca }), ...(serverName && { servername: serverName }) };
  const socket = dial({ host, port: portOf(config, 'smtp'), ...(encrypted && { tls: options }) });
  const stop = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  try {
    await once(socket, encrypted ? 'secureConnect' : 'connect', { signal: stop });
    return socket;
  } catch (error) {
    socket.on('error', () => undefined).destroy();
    throw connectFailure(error);
  }
}

function optionsOf(config: Mailbox, connection: Socket): SMTPConnection.Options {
  const { host, security, tls, timeoutMs } = config.smtp;
  const encrypted = security === 'tls';
  return {
    ...{ connection, host, name: split(config.address)[1], secure: encrypted, secured: encrypted },
    requireTLS: !encrypted,
    customAuth: { TOKEN: byToken },
    tls: { ...(tls.ca && { ca: tls.ca }), ...(tls.serverName && { servername: tls.serverName }) },
    ...{ connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs },
    ...{ socketCloseTimeout: CLOSING_MS, maxResponseSize: MOST_ANSWER_BYTES },
  };
}

function authOf(login: Login): SMTPConnection.AuthenticationType {
  return 'pass' in login ? login : { user: login.user, method: 'TOKEN', pass: login.accessToken };
}

/** XOAUTH2, tried once: a token that is refused is not tried again. What a refusal says comes after an empty line (RFC 7628 section 3.2.2). */
async function byToken({ auth, sendCommand }: SMTPConnection.CustomAuthenticationContext): Promise<void> {
  const { user, pass } = auth.credentials;
  const initial = Buffer.from(`user=${user}\x01auth=Bearer ${pass}\x01\x01`).toString('base64');
  const said = await sendCommand(`AUTH XOAUTH2 ${initial}`);
  const { status } = said.status === 334 ? await sendCommand('') : said;
  if (status !== 235) throw new Error('the access token is refused');
}
