import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import { binaryMissing, freePort } from '#helpdesk/testing';
import { selfSigned } from '#transport/testing';
import { until } from '../support/index.js';
import { dovecotConf, eximConf, type Places } from './conf.js';

const PACKAGES = { dovecot: 'dovecot-imapd and dovecot-lmtpd', exim4: 'exim4-daemon-light' };

/** Why the servers cannot be started, or undefined where they can. */
export function mailServersMissing(): string | undefined {
  const missing = Object.entries(PACKAGES).filter(([binary]) => binaryMissing(binary) !== undefined);
  return missing.length === 0 ? undefined : missing.map(([binary, name]) => `there is no ${binary}; install the Debian packages ${name}`).join('; ');
} // prettier-ignore

/** Debian's ids of the user without rights. */
const [NOBODY, NOGROUP] = [65_534, 65_534];

export const PASSWORDS = {
  support: 'the-password-of-support',
  anna: 'the-password-of-anna',
  desk: 'the-password-of-desk',
};
export type Mailbox = keyof typeof PASSWORDS;

/** Dovecot and Exim on loopback, with a folder of their own: mail that Exim takes goes to mailboxes of Dovecot. */
export class MailServers {
  readonly certificate = selfSigned('mail.test');
  private readonly running = new Map<'dovecot' | 'exim4', ChildProcess>();

  private constructor(readonly places: Places) {
    process.once('exit', this.orphaned);
  }

  private readonly orphaned = (): void => this.running.forEach((child) => child.kill('SIGKILL'));

  static async start(): Promise<MailServers> {
    const folder = await mkdtemp(join(tmpdir(), 'tributary-mail-'));
    const [imaps, lmtp, smtps] = await Promise.all([freePort(), freePort(), freePort()]);
    // Root's servers hand their work to a user without rights.
    const root = userInfo().uid === 0;
    const user = root ? 'nobody' : userInfo().username;
    const group = execFileSync('id', ['-gn', user], { encoding: 'utf8' }).trim();
    const servers = new MailServers({ folder, imaps, lmtp, smtps, user, group, root });
    await servers.prepare();
    await servers.dovecot();
    await servers.exim();
    return servers;
  }

  private async prepare(): Promise<void> {
    const { folder } = this.places;
    await chmod(folder, 0o755);
    for (const name of ['base', 'state', 'mail', 'exim']) {
      await mkdir(join(folder, name));
      if (name !== 'base') await chmod(join(folder, name), 0o777);
    }
    await writeFile(join(folder, 'cert.pem'), this.certificate.cert);
    await writeFile(join(folder, 'key.pem'), this.certificate.key);
    await writeFile(join(folder, 'dovecot.conf'), dovecotConf(this.places));
    await writeFile(join(folder, 'exim.conf'), eximConf(this.places));
    await this.passwords(PASSWORDS);
  }

  /** What Dovecot takes from its next start on. */
  async passwords(passwords: Readonly<Record<Mailbox, string>>): Promise<void> {
    const lines = Object.entries(passwords).map(([name, password]) => `${name}:{PLAIN}${password}\n`);
    await writeFile(join(this.places.folder, 'passwd'), lines.join(''), { mode: 0o644 });
  }

  async dovecot(): Promise<void> {
    const { folder, imaps, lmtp } = this.places;
    await this.run('dovecot', ['-F', '-c', join(folder, 'dovecot.conf')], [imaps, lmtp]);
  }

  private async exim(): Promise<void> {
    const { folder, smtps } = this.places;
    await this.run('exim4', ['-bdf', '-q5s', '-C', join(folder, 'exim.conf')], [smtps]);
  }

  private async run(name: 'dovecot' | 'exim4', args: readonly string[], ports: readonly number[]): Promise<void> {
    const PATH = `${process.env['PATH']}:/usr/sbin`;
    const child = spawn(name, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, PATH } });
    let said = '';
    child.stderr.on('data', (text: Buffer) => (said += text.toString()));
    this.running.set(name, child);
    for (const port of ports)
      await until(`${name} at ${port}`, async () => {
        if (child.exitCode !== null) throw new Error(`${name} ended: ${said}${await this.log()}`);
        return listens(port);
      });
  }

  /** Kills it with all that it started, or ends it in good order. */
  async stop(name: 'dovecot' | 'exim4', signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.running.get(name);
    this.running.delete(name);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise((gone) => child.once('exit', gone).kill(signal));
  }

  async close(): Promise<void> {
    await Promise.all([this.stop('dovecot'), this.stop('exim4')]);
    process.off('exit', this.orphaned);
    await rm(this.places.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }

  /** Hands a mail to Dovecot, as the border of a provider does. */
  async deliver(raw: string, mailbox: Mailbox = 'support'): Promise<void> {
    const way = { host: '127.0.0.1', port: this.places.lmtp, lmtp: true, ignoreTLS: true };
    const lmtp = createTransport(way as object);
    const to = mailbox === 'support' ? 'support@shop.test' : 'anna@customer.test';
    await lmtp.sendMail({ envelope: { from: 'anna@customer.test', to: [to] }, raw });
    lmtp.close();
  }

  maildir(mailbox: Mailbox): string {
    return join(this.places.folder, 'mail', mailbox, 'Maildir');
  }

  /** All mail of a mailbox's inbox, as it lies there, in no order. */
  async mails(mailbox: Mailbox): Promise<string[]> {
    const folders = ['new', 'cur'].map((name) => join(this.maildir(mailbox), name));
    const files = await Promise.all(
      folders.map(async (folder) => (await readdir(folder).catch(() => [])).map((file) => join(folder, file))),
    );
    return Promise.all(files.flat().map((file) => readFile(file, 'utf8')));
  }

  /** Puts so many mails into the inbox of `support`, while Dovecot does not run. */
  async fill(count: number, arrived: Date, about = 'old'): Promise<void> {
    const seconds = Math.floor(arrived.getTime() / 1_000);
    const folder = join(this.maildir('support'), 'cur');
    const mail = (i: number) => `From: c${i}@customer.test\r\nSubject: ${about} ${i}\r\nMessage-ID: <${about}.${i}@customer.test>\r\n\r\nHello.\r\n`;
    for (let from = 0; from < count; from += 500) {
      const some = Array.from({ length: Math.min(500, count - from) }, (_, i) => from + i);
      await Promise.all(
        some.map(async (i) => {
          const text = mail(i);
          // Its size in the name: Dovecot need not open it to know.
          const file = join(folder, `${seconds}.M${i}P1.mail,S=${text.length},W=${text.length}:2,S`);
          await writeFile(file, text, { mode: 0o666 });
          await utimes(file, arrived, arrived);
          if (this.places.root) await chown(file, NOBODY, NOGROUP);
        }),
      );
    }
  }

  /** What the servers have to say, for whoever looks for a fault. */
  private async log(): Promise<string> {
    const files = ['dovecot.log', 'exim/mainlog', 'exim/paniclog'].map((name) => join(this.places.folder, name));
    return (await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')))).join('\n').slice(-3_000);
  }
} // prettier-ignore

function listens(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => (socket.destroy(), resolve(true))).once('error', () => resolve(undefined));
  });
}
