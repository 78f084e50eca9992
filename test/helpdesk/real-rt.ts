import { type ChildProcess, execFile, type ExecFileOptions, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '#helpdesk/testing';
import { emptyFolder, removeFolder, until } from '../support/index.js';

const SERVER = '/usr/share/request-tracker5/libexec/rt-server';
const SETUP = '/usr/sbin/rt-setup-database';
/** Whom RT runs as where the suite is root: nobody. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

/** Ends RT with the process that started it, however that ended: the pipe between them closes then. */
const LEASH = '"$0" "$@" & cat >/dev/null; kill -KILL 0';

/** Why no RT can be started here, or undefined. */
export function rtMissing(): string | undefined {
  const lacking = [SERVER, SETUP, '/usr/bin/starman'].find((file) => !existsSync(file));
  return lacking && `there is no ${lacking}; install request-tracker5, rt5-db-sqlite and starman`;
}

/** What somebody wrote or did in a ticket, as RT tells it. */
export interface RtEntry {
  readonly type: string;
  readonly creator: string;
  readonly text: string;
  readonly files: readonly { readonly id: string; readonly name: string }[];
}

interface Items<T> {
  readonly items: readonly T[];
}
interface Attachment {
  readonly id: string;
  readonly TransactionId: string;
  readonly Filename: string;
  readonly Content?: string;
}

/** Where a ticket system keeps what it keeps. */
export interface Place {
  readonly folder: string;
  remove(): Promise<void>;
}

/** A Request Tracker 5 of our own on loopback, with SQLite, a user for the gateway and an agent. */
export class RealRt {
  readonly gatewayToken: string;
  private readonly agentToken: string;
  private server: ChildProcess | undefined;

  private constructor(
    private readonly place: Place,
    readonly port: number,
    tokens: Record<string, string>,
  ) {
    this.gatewayToken = tokens['gateway']!;
    this.agentToken = tokens['agent']!;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Makes one that keeps everything in `place`, and starts it. `byMail`: everybody may open tickets and write in them, as its mail gateway needs. */
  static async start(place?: Place, { byMail = false } = {}): Promise<RealRt> {
    const folder = place?.folder ?? (await emptyFolder());
    const port = await freePort();
    await chmod(folder, 0o755);
    for (const name of ['var', 'var/mason', 'var/sessions', 'var/out', 'conf.d']) {
      await mkdir(join(folder, name));
      if (NOBODY.uid !== undefined) await chown(join(folder, name), NOBODY.uid, NOBODY.gid);
    }
    await writeFile(join(folder, 'RT_SiteConfig.pm'), siteConfig(folder, port));
    await writeFile(join(folder, 'people.pl'), byMail ? PEOPLE + EVERYBODY : PEOPLE);
    const how = { ...NOBODY, env: environment(folder), cwd: folder };
    await run(SETUP, ['--action', 'init', '--skip-create'], how);
    const stdout = await run('perl', [join(folder, 'people.pl')], how);
    const tokens = Object.fromEntries(
      [...stdout.matchAll(/^token (\w+) (\S+)$/gm)].map(([, name, token]) => [name, token]),
    );
    const rt = new RealRt(
      place ?? { folder, remove: () => removeFolder(folder) },
      port,
      tokens as Record<string, string>,
    );
    await rt.begin();
    return rt;
  }

  /** Starts it, again. */
  async begin(): Promise<void> {
    // Connections that are kept would keep a worker each, and others waiting.
    const words = [
      '--listen',
      `127.0.0.1:${this.port}`,
      '--workers',
      '3',
      '--disable-keepalive',
      '--preload-app',
      SERVER,
    ];
    const { folder } = this.place;
    const how = { ...NOBODY, env: environment(folder), cwd: folder, detached: true } as const;
    this.server = spawn('sh', ['-c', LEASH, '/usr/bin/starman', ...words], {
      ...how,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    await until('RT to answer', async () => (await this.ask('/rt')).status === 200, 60_000);
  }

  /** Kills it as a power cut would. */
  async stop(): Promise<void> {
    const { server } = this;
    if (!server) return;
    const ended = new Promise((done) => server.once('exit', done));
    this.kill();
    await ended;
    this.server = undefined;
  }

  async close(): Promise<void> {
    await this.stop();
    await this.place.remove();
  }

  /** Tickets, the oldest first. */
  async tickets(): Promise<{ id: string; subject: string; status: string; requestors: string[] }[]> {
    const query = new URLSearchParams({
      query: 'id > 0',
      orderby: 'id',
      order: 'ASC',
      fields: 'Subject,Status,Requestor',
      per_page: '100',
    });
    const { items } = (await this.json(`/tickets?${query}`)) as {
      items: { id: string; Subject: string; Status: string; Requestor: { id: string }[] }[];
    };
    return items.map(({ id, Subject, Status, Requestor }) => ({
      id,
      subject: Subject,
      status: Status,
      requestors: Requestor.map((one) => one.id),
    }));
  }

  /** What was written in a ticket, in order: its last 100 transactions. */
  async entries(ticketId: string): Promise<RtEntry[]> {
    const query = 'fields=Type,Creator&per_page=100&orderby=id&order=DESC';
    const history = (await this.json(`/ticket/${ticketId}/history?${query}`)) as Items<{
      id: string;
      Type: string;
      Creator: { id: string };
    }>;
    const written = history.items.filter(({ Type }) => /^(Create|Correspond|Comment)$/.test(Type)).reverse();
    if (written.length === 0) return [];
    const of = written.map(({ id }) => ({ field: 'TransactionId', value: id }));
    const texts = ['text/html', 'text/plain'].map((value) => ({ field: 'ContentType', value }));
    const [all, said] = [await this.attachments(of, ''), await this.attachments([...of, ...texts], ',Content')];
    return written.map(({ id, Type, Creator }) => ({
      ...{ type: Type, creator: Creator.id },
      text: said.flatMap((one) => (one.TransactionId === id && !one.Filename ? (one.Content ?? '') : [])).join(''),
      files: all.flatMap((one) => (one.TransactionId === id && one.Filename ? { id: one.id, name: one.Filename } : [])),
    }));
  }

  /** What a custom field of a ticket holds. */
  async field(ticketId: string, name: string): Promise<string | undefined> {
    const { CustomFields } = (await this.json(`/ticket/${ticketId}`)) as {
      CustomFields: { name: string; values: string[] }[];
    };
    return CustomFields.find((field) => field.name === name)?.values[0];
  }

  /** What a file holds. */
  async content(fileId: string): Promise<Buffer> {
    const { Content } = (await this.json(`/attachment/${fileId}`)) as { Content: string };
    return Buffer.from(Content, 'base64');
  }

  /** An agent answers, with a file if one is given (RT's interface takes names of files as bytes). */
  async correspond(ticketId: string, html: string, file?: { name: string; content: Buffer }): Promise<void> {
    const Attachments = file && [
      {
        FileName: Buffer.from(file.name).toString('latin1'),
        FileType: 'application/pdf',
        FileContent: file.content.toString('base64'),
      },
    ];
    await this.demand(`/ticket/${ticketId}/correspond`, 'POST', {
      Content: html,
      ContentType: 'text/html',
      ...(Attachments && { Attachments }),
    });
  }

  async comment(ticketId: string, text: string): Promise<void> {
    await this.demand(`/ticket/${ticketId}/comment`, 'POST', { Content: text, ContentType: 'text/plain' });
  }

  async setStatus(ticketId: string, status: string): Promise<void> {
    await this.demand(`/ticket/${ticketId}`, 'PUT', { Status: status });
  }

  async copyTo(ticketId: string, name: string): Promise<void> {
    await this.demand(`/ticket/${ticketId}`, 'PUT', { Cc: [name] });
  }

  async mergeInto(ticketId: string, into: string): Promise<void> {
    await this.demand(`/ticket/${ticketId}`, 'PUT', { MergeInto: into });
  }

  /** What RT wrote to its log of mails: none may go to customers. */
  async mails(): Promise<string> {
    return readFile(join(this.place.folder, 'var', 'mail.txt'), 'utf8').catch(() => '');
  }

  /** The mails that RT sent, each by its name, in order. */
  async outgoing(): Promise<{ name: string; raw: string }[]> {
    const folder = join(this.place.folder, 'var', 'out');
    const names = (await readdir(folder)).filter((name) => name.endsWith('.eml')).sort();
    return Promise.all(names.map(async (name) => ({ name, raw: await readFile(join(folder, name), 'utf8') })));
  }

  /** Hands a mail to its mail gateway, as a mail server does. */
  async takeMail(raw: string): Promise<void> {
    const words = ['--queue', 'General', '--action', 'correspond', '--url', this.url];
    const gateway = execFile('/usr/bin/rt-mailgate', words);
    gateway.stdin!.end(raw);
    const code = await new Promise((done) => gateway.once('exit', done));
    if (code !== 0) throw new Error(`rt-mailgate ended with ${String(code)}`);
  }

  private async attachments(filters: readonly object[], further: string): Promise<readonly Attachment[]> {
    const query = `fields=TransactionId,Filename${further}&per_page=100&orderby=id&order=ASC`;
    return ((await this.demand(`/attachments?${query}`, 'POST', filters)) as Items<Attachment>).items;
  }

  private readonly kill = (): void => {
    try {
      process.kill(-this.server!.pid!, 'SIGKILL');
    } catch {
      // It has ended.
    }
  };

  private ask(path: string, method = 'GET', body?: unknown): Promise<Response> {
    const headers = { authorization: `token ${this.agentToken}`, 'content-type': 'application/json' };
    return fetch(`${this.url}/REST/2.0${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  private async json(path: string): Promise<unknown> {
    const answer = await this.ask(path);
    if (!answer.ok) throw new Error(`RT answered ${answer.status} to ${path}`);
    return answer.json();
  }

  private async demand(path: string, method: string, body: unknown): Promise<unknown> {
    const answer = await this.ask(path, method, body);
    if (!answer.ok) throw new Error(`RT answered ${answer.status} to ${path}: ${await answer.text()}`);
    return answer.json();
  }
}

/** What a program says, once it ended well. */
function run(file: string, words: readonly string[], how: ExecFileOptions): Promise<string> {
  return new Promise((done, fail) =>
    execFile(file, words, how, (error, said) => (error ? fail(error) : done(String(said)))),
  );
}

function environment(folder: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    RT_SITE_CONFIG: join(folder, 'RT_SiteConfig.pm'),
    RT_SITE_CONFIG_DIR: join(folder, 'conf.d'),
    HOME: folder,
  };
}

function siteConfig(folder: string, port: number): string {
  return `Set($rtname, 'gw.test'); Set($Organization, 'gw.test');
Set($CorrespondAddress, 'support@gw.test'); Set($CommentAddress, 'comment@gw.test');
Set($WebDomain, '127.0.0.1'); Set($WebPort, ${port}); Set($WebPath, ''); Set($WebBaseURL, 'http://127.0.0.1:${port}');
Set($DatabaseType, 'SQLite'); Set($DatabaseName, '${folder}/var/rt.db'); Set($DatabaseHost, ''); Set($DatabaseUser, ''); Set($DatabasePassword, '');
Set($Timezone, 'UTC'); Set($MailCommand, sub { my $m = shift; open my $f, '>>', '${folder}/var/mail.txt'; print $f $m->as_string; close $f;
  require Time::HiRes; my $n = sprintf('${folder}/var/out/%.6f.%d', Time::HiRes::time(), $$); open my $o, '>', $n; print $o $m->as_string; close $o; rename $n, "$n.eml"; return 1 });
Set($LogToSTDERR, 'warning'); Set($LogToSyslog, undef); Set($LogToFile, undef);
Set($RestrictReferrer, 0); Set($WebSecureCookies, 0); Set(%FullTextSearch, Enable => 0);
Set($MasonDataDir, '${folder}/var/mason'); Set($MasonSessionDir, '${folder}/var/sessions'); Set($DisableGD, 1); Set($DisableGraphViz, 1);
1;
`;
}

/** The two users with the rights that the README of the connector asks for, their tokens, and a custom field. */
const PEOPLE = `use strict; use lib '/usr/share/request-tracker5/lib';
use RT; RT::LoadConfig(); RT::Init();
my $system = RT->SystemUser;
my $queue = RT::Queue->new($system); $queue->Load('General');
my %rights = (
  gateway => [qw(SeeQueue CreateTicket ShowTicket ShowTicketComments ReplyToTicket CommentOnTicket ModifyTicket SeeCustomField ModifyCustomField)],
  agent => [qw(SeeQueue ShowTicket ShowTicketComments ReplyToTicket CommentOnTicket ModifyTicket DeleteTicket OwnTicket SeeCustomField)]);
my $field = RT::CustomField->new($system);
$field->Create(Name => 'Company', Type => 'FreeformSingle', LookupType => 'RT::Queue-RT::Ticket', MaxValues => 1);
$field->AddToObject($queue);
for my $name (sort keys %rights) {
  my $user = RT::User->new($system);
  $user->Create(Name => $name, RealName => ($name eq 'agent' ? 'Lin Daiyu' : ''), Privileged => 1, Password => 'password-of-the-tests');
  $user->PrincipalObj->GrantRight(Right => $_, Object => $queue) for @{$rights{$name}};
  $user->PrincipalObj->GrantRight(Right => 'AdminUsers', Object => RT->System) if $name eq 'gateway';
  $user->PrincipalObj->GrantRight(Right => 'ManageAuthTokens', Object => RT->System);
  my ($ok, $said, $token) = RT::AuthToken->new(RT::CurrentUser->new($user))->Create(Owner => $user->Id, Description => 'tests');
  die $said unless $ok;
  print "token $name $token\\n";
}
`;

const EVERYBODY = `
my $everyone = RT::Group->new($system); $everyone->LoadSystemInternalGroup('Everyone');
$everyone->PrincipalObj->GrantRight(Right => $_, Object => $queue) for qw(CreateTicket ReplyToTicket);
`;
