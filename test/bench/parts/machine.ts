import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { openPostgres, postgresMissing, postgresSettings } from './postgres.js';
import { ROOT } from './process.js';

/** What the figures depend on. */
export async function describeMachine(): Promise<Record<string, unknown>> {
  return {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    loadBefore: loadavg()
      .map((load) => load.toFixed(2))
      .join(' '),
    node: process.version,
    postgres: await postgres(),
    commit: commit(),
    date: new Date().toISOString(),
  };
}

async function postgres(): Promise<unknown> {
  const missing = postgresMissing();
  if (missing) return missing;
  const server = await openPostgres();
  return postgresSettings(server).finally(() => server.stop());
}

/** The commit that was built, and whether the tree differs from it. */
function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') ? ' with changes' : '');
  } catch {
    return 'unknown';
  }
}
