import { setTimeout as delay } from 'node:timers/promises';
import { FakeImap, type FakeImapOptions } from '#mail/testing';
import type { InboundEventInput } from '#normalizer';
import { addressGuard, guardedDial, guardedHttp } from '#transport';
import { selfSigned } from '#transport/testing';
import type { KnownMessage, SocketContext, Standing } from '../../core/adapter.js';
import { emailConfig, type EmailConfig } from '../email.config.js';
import { MailSession } from '../receive/session.js';

export const certificate = selfSigned('mail.test');
type Given = Record<string, unknown>;

/** A mailbox on a fake server, what reads it, and the store into which that goes. */
export class ReaderStage {
  /** What is stored, once each, by dedupe key. */
  readonly stored = new Map<string, InboundEventInput>();
  /** What was handed to the store, in order. */
  readonly given: InboundEventInput[] = [];
  readonly lost: Error[] = [];
  readonly standings: Standing[] = [];
  /** What was committed last, and all of it. */
  readonly cursors: string[] = [];
  /** What storing does. Default: it works. */
  storing: (events: readonly InboundEventInput[], cursor: string) => Promise<void> = async () => undefined;
  private sessions: MailSession[] = [];
  private readonly shared = new Map<string, Promise<string>>();
  readonly kept = new Map<string, string>();
  /** What the store knows by the names of mail. */
  readonly known: KnownMessage[] = [];
  private readonly stop = new AbortController();
  private keeping: Promise<void> = Promise.resolve();

  private constructor(
    readonly imap: FakeImap,
    private readonly settings: { imap?: Given; more?: Given },
  ) {}

  static async set(settings: { imap?: Given; more?: Given; server?: Partial<FakeImapOptions> } = {}) {
    return new ReaderStage(await FakeImap.listen({ tls: certificate, ...settings.server }), settings);
  }

  get config(): EmailConfig {
    const { imap, more } = this.settings;
    const tls = { ca: certificate.cert, serverName: 'mail.test' };
    return emailConfig.parse({
      ...{ address: 'support@shop.test', password: 'secret', authentication: { verify: false } },
      imap: { host: '127.0.0.1', port: this.imap.port, tls, timeoutMs: 3_000, pollS: 1, idleS: 1, ...imap },
      smtp: { host: '127.0.0.1', tls },
      ...more,
    });
  }

  context(): SocketContext<EmailConfig> {
    return {
      ...{ accountId: 'acc_mail', config: this.config, session: undefined as never, callbackUrl: 'https://gw.test/x' },
      http: guardedHttp({ allow: ['127.0.0.1/32'] }),
      dial: guardedDial(addressGuard(['127.0.0.1/32'])),
      once: (key, _ttlMs, make) => {
        const value = this.shared.get(key) ?? make();
        this.shared.set(key, value);
        value.catch(() => this.shared.delete(key));
        return value;
      },
      forget: async (key) => void this.shared.delete(key),
      remember: async (key, value) => void this.kept.set(key, value),
      recall: async (key) => this.kept.get(key),
      known: async (ids) => this.known.filter(({ externalId }) => ids.includes(externalId)),
      openFile: () => Promise.reject(new Error('there is no file')),
      fileUrl: (id) => `https://files.test/${id}`,
      ...{ now: () => Date.now(), signal: this.stop.signal, cursor: this.cursors.at(-1) ?? null },
      lost: (error) => void this.lost.push(error),
      report: async (standing) => this.standings.push(standing) > 0,
    };
  }

  /** Opens the mailbox where it was read to. */
  async open(): Promise<MailSession> {
    const session = await MailSession.open(async (events, cursor = '') => {
      await this.storing(events, cursor);
      this.given.push(...events);
      for (const event of events) if ('dedupeKey' in event) this.stored.set(event.dedupeKey, event);
      this.cursors.push(cursor);
      return [];
    }, this.context());
    this.sessions.push(session);
    return session;
  }

  /** Opens it anew, as after a loss or a restart. */
  async again(): Promise<void> {
    await this.shut();
    await this.open();
  }

  /** Opens it, and anew whenever it is lost, until the end. */
  async keep(): Promise<void> {
    await this.open();
    this.keeping = (async () => {
      for (let known = this.lost.length; !this.stop.signal.aborted; await delay(20)) {
        if (this.lost.length === known) continue;
        await this.again().catch(() => undefined);
        known = this.lost.length;
      }
    })();
  }

  async shut(): Promise<void> {
    await Promise.all(this.sessions.splice(0).map((session) => session.close()));
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.keeping;
    await this.shut();
    await this.imap.close();
  }

  /** Subjects of what is stored, in order. */
  get subjects(): (string | undefined)[] {
    return [...this.stored.values()].map((event) => (event.kind === 'message' ? event.subject : event.kind));
  }

  async until(what: () => boolean, words = 'it'): Promise<void> {
    for (let i = 0; i < 400 && !what(); i += 1) await delay(25);
    if (!what()) throw new Error(`${words} did not happen`);
  }
}

let counter = 0;

/** A mail by a customer; `about` is its subject, and its own. */
export function mail(about: string, { headers = '', body = 'Hello.', id = '' } = {}): string {
  counter += 1;
  return [
    `Received: from out.example by mail.test; ${new Date().toUTCString().replace('GMT', '+0000')}`,
    ...(headers ? [headers] : []),
    'From: Anna <anna@customer.test>',
    'To: support@shop.test',
    `Subject: ${about}`,
    `Message-ID: <${id || `m${counter}.${process.pid}`}@customer.test>`,
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    'Content-Type: text/plain; charset=utf-8',
    '',
    body,
    '',
  ].join('\r\n');
}
