import { type ChildProcess, execFile, type ExecFileOptions, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '#helpdesk/testing';
import { emptyFolder, removeFolder, until } from '../support/index.js';
import type { Place } from './real-rt.js';

const ROOT = '/usr/share/redmine';

/** Why no Redmine can be started here, or undefined. */
export function redmineMissing(): string | undefined {
  const lacking = [`${ROOT}/config/environment.rb`, '/usr/bin/puma', '/var/lib/redmine/Gemfile.lock'].find(
    (file) => !existsSync(file),
  );
  return lacking && `there is no ${lacking}; install redmine, redmine-sqlite and puma as .ci/run does`;
}

export interface Journal {
  readonly notes: string;
  readonly private_notes: boolean;
  readonly user: { readonly name: string };
  readonly details: readonly { readonly property: string; readonly new_value: string | null }[];
}

interface Issue {
  readonly id: number;
  readonly description: string;
  readonly status: { readonly name: string };
  readonly journals: readonly Journal[];
  readonly attachments: readonly { readonly filename: string; readonly content_url: string }[];
}

/** A Redmine of our own on loopback, with SQLite, a project `support`, a user for the gateway and an agent. */
export class RealRedmine {
  private server: ChildProcess | undefined;

  private constructor(
    private readonly place: Place,
    readonly port: number,
    readonly keys: { readonly gateway: string; readonly agent: string; readonly customer: string },
  ) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Makes one that keeps everything in `place`, and starts it. */
  static async start(place?: Place): Promise<RealRedmine> {
    const folder = place?.folder ?? (await emptyFolder());
    const [port, who] = [await freePort(), await user()];
    await chmod(folder, 0o755);
    await mkdir(join(folder, 'var/files'), { recursive: true });
    for (const name of ['var', 'var/files']) if ('uid' in who) await chown(join(folder, name), who.uid, who.gid);
    await writeFile(join(folder, 'config.ru'), CONFIG_RU);
    await writeFile(join(folder, 'people.rb'), PEOPLE);
    const run = (file: string, ...words: string[]) => ran(file, words, { ...who, env: environment(folder), cwd: ROOT });
    await run('bin/rails', 'db:migrate');
    await run('bundle', 'exec', 'rake', 'redmine:load_default_data');
    const said = await run('bin/rails', 'runner', join(folder, 'people.rb'));
    const [, gateway, agent, customer] = /^KEYS (\S+) (\S+) (\S+)$/m.exec(said) ?? [];
    const redmine = new RealRedmine(place ?? { folder, remove: () => removeFolder(folder) }, port, {
      gateway: gateway!,
      agent: agent!,
      customer: customer!,
    });
    await redmine.begin();
    return redmine;
  }

  /** Starts it, again. */
  async begin(): Promise<void> {
    const { folder } = this.place;
    const words = ['-b', `tcp://127.0.0.1:${this.port}`, '-t', '1:4', join(folder, 'config.ru')];
    const how = {
      ...(await user()),
      env: environment(folder),
      cwd: ROOT,
      stdio: 'ignore',
      detached: true,
    } as const;
    this.server = spawn('/usr/bin/puma', words, how);
    process.once('exit', this.kill);
    await until('Redmine to answer', async () => (await this.ask('/users/current.json')).ok, 60_000);
  }

  /** Kills it as a power cut would. */
  async stop(): Promise<void> {
    const { server } = this;
    if (!server) return;
    const ended = new Promise((done) => server.once('exit', done));
    this.kill();
    await ended;
    this.server = undefined;
    process.off('exit', this.kill);
  }

  async close(): Promise<void> {
    await this.stop();
    await this.place.remove();
  }

  /** Issues with their history, the oldest first. */
  async issues(): Promise<Issue[]> {
    const { issues } = (await (await this.ask('/issues.json?status_id=*&sort=id&limit=100')).json()) as {
      issues: { id: number }[];
    };
    return Promise.all(
      issues.map(async ({ id }) => {
        const answer = await this.ask(`/issues/${id}.json?include=journals,attachments`);
        return ((await answer.json()) as { issue: Issue }).issue;
      }),
    );
  }

  /** An agent changes an issue, or whose key it is: `notes`, `private_notes`, `status_id`, `uploads`. */
  async change(id: number, issue: Record<string, unknown>, key = this.keys.agent): Promise<void> {
    const headers = { 'x-redmine-api-key': key };
    const answer = await this.ask(`/issues/${id}.json`, { method: 'PUT', body: JSON.stringify({ issue }), headers });
    if (!answer.ok) throw new Error(`Redmine answered ${answer.status}: ${await answer.text()}`);
  }

  /** Uploads a file; resolves with the token that names it. */
  async upload(name: string, content: Buffer): Promise<string> {
    const headers = { 'content-type': 'application/octet-stream' };
    const body = new Uint8Array(content);
    const answer = await this.ask(`/uploads.json?filename=${encodeURIComponent(name)}`, {
      method: 'POST',
      body,
      headers,
    });
    return ((await answer.json()) as { upload: { token: string } }).upload.token;
  }

  async download(url: string): Promise<Buffer> {
    return Buffer.from(await (await fetch(url, { headers: { 'x-redmine-api-key': this.keys.agent } })).arrayBuffer());
  }

  private ask(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { 'x-redmine-api-key': this.keys.agent, 'content-type': 'application/json', ...init.headers };
    return fetch(`${this.url}${path}`, { ...init, headers });
  }

  private readonly kill = (): void => {
    try {
      process.kill(-this.server!.pid!, 'SIGKILL');
    } catch {
      // It has ended.
    }
  };
}

/** What a program says, once it ended well. */
function ran(file: string, words: readonly string[], how: ExecFileOptions): Promise<string> {
  return new Promise((done, fail) =>
    execFile(file, words, { ...how, maxBuffer: 16 << 20 }, (error, said) => (error ? fail(error) : done(String(said)))),
  );
}

/** Whom Redmine runs as where the suite is root: the user of its package. */
async function user(): Promise<{ uid: number; gid: number } | Record<never, never>> {
  if (process.getuid?.() !== 0) return {};
  const [, uid, gid] = /^www-data:[^:]*:(\d+):(\d+)/m.exec(await readFile('/etc/passwd', 'utf8')) ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

function environment(folder: string): NodeJS.ProcessEnv {
  return {
    ...{
      PATH: process.env['PATH'],
      HOME: folder,
      LANG: 'C.UTF-8',
      RAILS_ENV: 'production',
      REDMINE_LANG: 'en',
      SCHEMA: '/dev/null',
    },
    DATABASE_URL: `sqlite3:${folder}/var/redmine.db`,
    REDMINE_FILES: `${folder}/var/files`,
    SECRET_KEY_BASE: 'the key of a Redmine that lives as long as a suite',
    X_DEBIAN_SITEID: 'default',
  };
}

const CONFIG_RU = `require '${ROOT}/config/environment'
Attachment.storage_path = ENV.fetch('REDMINE_FILES')
run RedmineApp::Application
`;

/** The two users, with the rights that the README of the connector asks for, and no more; and a customer, who may add notes. */
const PEOPLE = `Setting.rest_api_enabled = '1'
Setting.login_required = '1'
project = Project.create!(name: 'Support', identifier: 'support', is_public: false)
project.trackers = Tracker.all
role = Role.create!(name: 'Gateway', issues_visibility: 'all', permissions: [:view_issues, :add_issues, :edit_issues, :add_issue_notes, :set_notes_private, :view_private_notes])
statuses = IssueStatus.all
Tracker.all.each do |tracker|
  statuses.to_a.permutation(2) { |from, to| WorkflowTransition.create!(tracker: tracker, role: role, old_status: from, new_status: to) }
  statuses.each { |status| WorkflowTransition.create!(tracker: tracker, role: role, old_status_id: 0, new_status: status) }
end
reporter = Role.create!(name: 'Customer', issues_visibility: 'all', permissions: [:view_issues, :add_issues, :add_issue_notes])
keys = [%w[gateway Gate Way], %w[lin Lin Daiyu], %w[bert Bert Brecht]].map do |login, first, last|
  user = User.new(firstname: first, lastname: last, mail: "#{login}@desk.test")
  user.login = login
  user.password = 'password-of-the-tests'
  user.save!
  Member.create!(project: project, principal: user, roles: [login == 'bert' ? reporter : role])
  user.api_key
end
puts "KEYS #{keys.join(' ')}"
`;
