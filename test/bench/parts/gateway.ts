import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onStop } from './cleanup.js';
import type { Target } from './messages.js';
import { startServer } from './process.js';

export const SECRET = `whsec_${Buffer.from('a bench secret of 32 bytes, fixed').toString('base64')}`;
const ADMIN_KEY = 'admin-key-of-the-benches-0123456789';

export interface GatewayOptions {
  /** Absent: an embedded database of its own. */
  readonly databaseUrl?: string | undefined;
  /** Where messages to customers are posted. */
  readonly providerPort: number;
  readonly accounts?: readonly object[];
  readonly destinations: readonly object[];
  readonly limits?: Record<string, number>;
  /** A fixed port, to come back on; else any. */
  readonly port?: number;
  /** A folder of the caller's that outlives the process. */
  readonly folder?: string;
  /** A data folder of the caller's, with an empty embedded database in it. */
  readonly dataDir?: string | undefined;
}

/** The product, as `npm start` runs it, with all that is on by default. */
export interface Gateway {
  readonly pid: number;
  readonly port: number;
  readonly key: string;
  /** Where customers' messages are posted. */
  readonly messages: Target;
  call(method: string, path: string, body?: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

/** A webhook destination on this machine. */
export const destination = (port: number, more: object = {}): object => ({
  ...{ id: 'sink', type: 'webhook', config: { secret: SECRET, url: `http://127.0.0.1:${port}/events` } },
  ...more,
});

/** An account of the `http` channel. */
export const account = (port: number, id = 'bench'): object => ({
  ...{ id, type: 'http', config: { secret: SECRET, url: `http://127.0.0.1:${port}/messages` } },
});

export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const folder = options.folder ?? (await temporaryFolder());
  const config = join(folder, 'tributary.yaml');
  const settings = {
    network: { allow: ['127.0.0.1/32'] },
    accounts: [account(options.providerPort), ...(options.accounts ?? [])],
    destinations: options.destinations,
    limits: { apiRequestsPerMinute: 10_000_000, ...options.limits },
  };
  await writeFile(config, JSON.stringify(settings));
  const server = await startServer('apps/gateway/src/main.js', {
    TRIBUTARY_CONFIG: config,
    TRIBUTARY_ADMIN_KEY: ADMIN_KEY,
    TRIBUTARY_SECRET_KEY: 'the-secret-key-of-the-benches',
    DATA_DIR: options.dataDir ?? join(folder, 'data'),
    PORT: String(options.port ?? 0),
    HOST: '127.0.0.1',
    LOG_LEVEL: 'error',
    ...(options.databaseUrl && { DATABASE_URL: options.databaseUrl }),
  });
  const { port } = server;
  const call = caller(port);
  await ready(port);
  const messages = { port, path: '/channels/bench', secret: SECRET };
  return { ...server, key: ADMIN_KEY, messages, call };
}

function caller(port: number): Gateway['call'] {
  return async (method, path, body) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${ADMIN_KEY}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status}: ${await answer.text()}`);
    return answer.json();
  };
}

/** A folder that is removed in the end. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
  onStop(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));
  return folder;
}

async function ready(port: number): Promise<void> {
  for (let tries = 0; tries < 1_200; tries += 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the gateway did not become ready');
}

/** Events gather from now on. The running process is given time to hear of it. */
export async function pauseDeliveries(gateway: Gateway, id = 'sink'): Promise<void> {
  await gateway.call('POST', `/v1/destinations/${id}/pause`);
  await new Promise((resolve) => setTimeout(resolve, 500));
}

export async function resumeDeliveries(gateway: Gateway, id = 'sink'): Promise<void> {
  await gateway.call('POST', `/v1/destinations/${id}/resume`);
}
