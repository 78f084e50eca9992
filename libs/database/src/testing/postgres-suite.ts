import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chownSync, existsSync, readdirSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { removeFolder, temporaryDatabase, temporaryFolder, type TemporaryDatabase } from './temporary.js';

const DEBIAN = '/usr/lib/postgresql';
const START_MS = 30_000;

/** Why nothing can run on a real Postgres here, or undefined where it can. */
export function postgresMissing(): string | undefined {
  if (process.env['TEST_DATABASE_URL'] || binaries() !== undefined) return undefined;
  return `no TEST_DATABASE_URL, and no server under ${DEBIAN}`;
}

/** A fresh database on the server of TEST_DATABASE_URL, else on a server started for it. */
export function temporaryPostgres(): TemporaryDatabase {
  return temporaryDatabase(async () => {
    const given = process.env['TEST_DATABASE_URL'];
    const server = given ? { url: given, stop: async () => undefined } : await startPostgres();
    const name = `tributary_${randomUUID().replaceAll('-', '')}`;
    await execute(server.url, `create database ${name}`);
    const url = new URL(server.url);
    url.pathname = `/${name}`;
    const remove = async (): Promise<void> => {
      await execute(server.url, `drop database if exists ${name} with (force)`);
      await server.stop();
    };
    return { place: { url: url.href }, remove };
  });
}

export interface PostgresServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a server of the Debian packages in a temporary folder; as user postgres where we are root, which Postgres refuses to run as. Commits survive a power cut only where it is told to be `durable`; `settings` win over all others. */
export async function startPostgres(
  options: { durable?: boolean; settings?: Record<string, string> } = {},
): Promise<PostgresServer> {
  const bin = binaries();
  if (bin === undefined) throw new Error(postgresMissing());
  const folder = await temporaryFolder();
  const user = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : undefined;
  if (user) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const run = { ...user, cwd: folder, stdio: 'ignore' as const };
  execFileSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'],
    run,
  );
  const port = await freePort();
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: options.durable ? 'on' : 'off',
    shared_buffers: options.durable ? '128MB' : '32MB',
    ...options.settings,
  };
  const child = spawn(join(bin, 'postgres'), ['-D', data, ...flags(settings)], run);
  const orphaned = (): unknown => child.kill('SIGQUIT');
  process.once('exit', orphaned);
  const stop = async (): Promise<void> => {
    process.off('exit', orphaned);
    await end(child);
    await removeFolder(folder);
  };
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  await answering(url, child).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { url, stop };
}

function binaries(): string | undefined {
  if (!existsSync(DEBIAN)) return undefined;
  const versions = readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(DEBIAN, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')));
}

function idOf(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
}

function flags(settings: Record<string, string | number>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

async function answering(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_MS;
  for (;;) {
    try {
      return await execute(url, 'select 1');
    } catch (error) {
      if (child.exitCode !== null || Date.now() > deadline) throw error;
      await delay(50);
    }
  }
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  await client.query(statement).finally(() => client.end());
}

/** SIGINT is the fast shutdown. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGINT');
  await gone;
}
