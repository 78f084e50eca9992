import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { onStop } from './cleanup.js';

export const ROOT = join(import.meta.dirname, '..', '..', '..', '..');
/** Ends the process with the one that started it, however that ended: the pipe between them closes then. */
const LEASH = 'data:text/javascript,process.stdin.resume().on("close",()=>process.kill(process.pid,"SIGKILL")).unref()';
const OURS =
  /^(DATABASE_URL|TEST_DATABASE_URL|REDIS_URL|DATA_DIR|PORT|HOST|PUBLIC_URL|LOG_LEVEL|TRIBUTARY_\w+|NODE_OPTIONS)$/;

/** A server in a process of its own that prints its address on the loopback. */
export interface ServerProcess {
  readonly pid: number;
  readonly port: number;
  /** SIGTERM, then its end. */
  stop(): Promise<void>;
}

/** Starts a built file of this repository, with nothing of this process's own settings. */
export async function startServer(entry: string, env: Record<string, string>): Promise<ServerProcess> {
  const inherited = Object.entries(process.env).filter(([name]) => !OURS.test(name));
  const child = spawn(process.execPath, ['--import', LEASH, join(ROOT, 'dist', entry)], {
    cwd: ROOT,
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const stop = onStop(() => end(child));
  return { pid: child.pid!, port: await listening(child), stop };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

/** The port of the first loopback address that the process prints. */
function listening(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      if (said.length < 10_000) said += chunk.toString();
      const port = /http:\/\/127\.0\.0\.1:(\d+)\s/.exec(said)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code} before it listened:\n${said}`)));
  });
}
