import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { freePort } from './free-port.js';

const START_MS = 15_000;

/** A Redis server of the Debian package, which keeps nothing. It can be away, and back on the same port. */
export class RedisServer {
  url = '';
  #port = 0;
  #child: ChildProcess | undefined;

  async start(): Promise<this> {
    this.#port ||= await freePort();
    this.url = `redis://127.0.0.1:${this.#port}/0`;
    const args = ['--port', String(this.#port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const child = spawn('redis-server', args, { stdio: 'ignore', cwd: '/' });
    this.#child = child;
    process.once('exit', () => child.kill('SIGKILL'));
    for (const end = Date.now() + START_MS; ; await delay(20)) {
      try {
        await this.command('ping');
        return this;
      } catch (error) {
        if (child.exitCode !== null || Date.now() > end) throw error;
      }
    }
  }

  async command(name: string, ...args: string[]): Promise<unknown> {
    const client = new Redis(this.url, { lazyConnect: true, retryStrategy: () => null });
    client.on('error', () => {});
    try {
      await client.connect();
      return await client.call(name, ...args);
    } finally {
      client.disconnect();
    }
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGKILL');
    await gone;
  }
}

/** Why nothing can run on a real Redis here, or undefined where it can. */
export function redisMissing(): string | undefined {
  const found = (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, 'redis-server'), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  return found ? undefined : 'no redis-server on the PATH (Debian package redis-server)';
}

/** Defines a suite that needs a real Redis. Where there is none it is skipped, and fails where CI=true. */
export function describeWithRedis(name: string, define: () => void): void {
  const missing = redisMissing();
  if (missing === undefined) describe(name, define);
  else if (process.env['CI'] === 'true') {
    it(name, () => {
      throw new Error(`this suite must run on a real Redis: ${missing}`);
    });
  } else describe.skip(`${name} SKIPPED: ${missing}`, define);
}
