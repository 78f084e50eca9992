import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

type Register = (name: string, body: () => void | Promise<void>) => void;

/** Defines a suite that needs a server. Where that is missing the suite is skipped, says so, and fails where CI=true. */
export function describeOnServer(title: string, missing: string | undefined, define: (title: string) => void): void {
  if (missing === undefined) return define(title);
  const { describe, it } = globalThis as unknown as { describe: { skip: Register }; it: Register };
  if (process.env['CI'] === 'true') {
    it(title, () => {
      throw new Error(`this suite must run on a real server: ${missing}`);
    });
  } else {
    describe.skip(`${title} SKIPPED: ${missing}`, () => it('runs', () => undefined));
  }
}

/** Why a server cannot be started here, or undefined where its binary is found. */
export function binaryMissing(name: string): string | undefined {
  return binary(name) === undefined ? `there is no ${name}; install the Debian package of that name` : undefined;
}

function binary(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin', '/usr/sbin', '/usr/local/bin'];
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}

/** A server process of ours on a port of 127.0.0.1, with a folder of its own for its data. */
export interface RunningServer {
  readonly port: number;
  /** Kills it as a power cut would; with `wipe` its data is removed. */
  stop(wipe?: boolean): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

export interface ServerOptions {
  readonly name: string;
  /** Its arguments. */
  args(place: { port: number; folder: string }): string[];
}

/** Starts a server, and resolves once its port takes connections. */
export async function startServer({ name, args }: ServerOptions): Promise<RunningServer> {
  const file = binary(name);
  if (file === undefined) throw new Error(binaryMissing(name));
  const port = await freePort();
  let folder = await mkdtemp(join(tmpdir(), 'tributary-test-'));
  let child: ChildProcess | undefined;
  const orphaned = (): void => void child?.kill('SIGKILL');
  process.once('exit', orphaned);
  const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  const running: RunningServer = {
    port,
    async start() {
      child = spawn(file, args({ port, folder }), { cwd: folder, stdio: 'ignore' });
      await listening(port, child);
    },
    async stop(wipe = false) {
      await ended(child);
      if (!wipe) return;
      await remove();
      folder = await mkdtemp(join(tmpdir(), 'tributary-test-'));
    },
    async close() {
      process.off('exit', orphaned);
      await ended(child);
      await remove();
    },
  };
  await running.start();
  return running;
}

async function ended(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGKILL');
  await gone;
}

async function listening(port: number, child: ChildProcess): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await takesConnections(port))) {
    if (child.exitCode !== null || Date.now() > end) throw new Error(`the server did not start (${child.exitCode})`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });
}

/** A port of 127.0.0.1 that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
