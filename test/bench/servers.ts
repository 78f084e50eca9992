import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const SECRET = `whsec_${Buffer.from('a bench secret of 32 bytes, fixed').toString('base64')}`;
const ROOT = join(import.meta.dirname, '..', '..', '..');

export interface Server {
  readonly url: string;
  readonly path: string;
  stop(): Promise<void>;
}

/**
 * The product, as `npm start` runs it, with one `http` account and one destination that takes everything, on an embedded database of its own or on the
 * given one. What it does beyond accepting, such as delivering, is part of its figures.
 */
export async function startProduct(databaseUrl?: string): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
  const sink = await startSink();
  const settings = {
    network: { allow: ['127.0.0.1/32'] },
    accounts: [{ id: 'bench', type: 'http', config: { secret: SECRET, url: sink.url } }],
    destinations: [{ id: 'sink', type: 'webhook', config: { secret: SECRET, url: sink.url } }],
  };
  const config = join(folder, 'tributary.yaml');
  await writeFile(config, JSON.stringify(settings));
  const environment = {
    TRIBUTARY_CONFIG: config,
    DATA_DIR: join(folder, 'data'),
    PORT: '0',
    HOST: '127.0.0.1',
    LOG_LEVEL: 'error',
    ...(databaseUrl && { DATABASE_URL: databaseUrl }),
  };
  const server = await start('dist/apps/gateway/src/main.js', environment, { path: '/channels/bench', folder });
  return { ...server, stop: () => server.stop().finally(() => sink.close()) };
}

/** A helpdesk that takes every event and does nothing. */
async function startSink(): Promise<{ url: string; close(): void }> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => response.writeHead(204).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close().closeAllConnections() };
}

/** Fastify and one INSERT per request. */
export async function startBaseline(databaseUrl?: string): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
  const environment: Record<string, string> = databaseUrl
    ? { BENCH_URL: databaseUrl }
    : { BENCH_DATA: join(folder, 'data') };
  return start('dist/test/bench/baseline.js', environment, { path: '/messages', folder });
}

async function start(
  entry: string,
  environment: Record<string, string>,
  { path, folder }: { path: string; folder: string },
): Promise<Server> {
  const { DATABASE_URL: _, ...inherited } = process.env;
  const child = spawn(process.execPath, [join(ROOT, entry)], {
    cwd: ROOT,
    env: { ...inherited, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await listening(child);
  const stop = async (): Promise<void> => {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await gone;
    await rm(folder, { recursive: true, force: true });
  };
  return { url, path, stop };
}

/** The first address of this machine that the process prints. */
function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0];
      if (url) resolve(url);
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code} before it listened:\n${said}`)));
  });
}
