import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { onStop } from './cleanup.js';
import { temporaryFolder } from './gateway.js';

/** Why there is no Redis here, or undefined where there is. */
export function redisMissing(): string | undefined {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'no redis-server';
  }
}

export interface Redis {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

/** A server of its own that syncs its log every second, as BullMQ's documentation advises. */
export async function openRedis(): Promise<Redis> {
  const port = await freePort();
  const settings = {
    bind: '127.0.0.1',
    dir: await temporaryFolder(),
    appendonly: 'yes',
    appendfsync: 'everysec',
    save: '',
  };
  const flags = Object.entries({ port, ...settings }).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn('redis-server', flags, { stdio: ['ignore', 'pipe', 'inherit'] });
  const orphaned = (): unknown => child.kill('SIGKILL');
  process.once('exit', orphaned);
  const stop = onStop(async () => {
    process.off('exit', orphaned);
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (text: Buffer) => /ready to accept/i.test(text.toString()) && resolve());
    child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)));
  });
  return { pid: child.pid!, port, stop };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
