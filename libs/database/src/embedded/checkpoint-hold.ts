import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isRunning, ownIdentity, type ProcessIdentity } from './process-identity.js';

const PREFIX = 'checkpoint.hold-';

/** Asks the process that runs the database in `dataDir`, if there is one, to make no checkpoint; returns how to take it back. Ends with this process. */
export function holdCheckpoints(dataDir: string): () => void {
  const file = join(dataDir, `${PREFIX}${randomUUID()}`);
  writeFileSync(file, JSON.stringify(ownIdentity()), { mode: 0o600 });
  return () => rmSync(file, { force: true });
}

/** Whether a living process holds checkpoints of the database in `dataDir`. What dead ones left is removed. */
export function checkpointsAreHeld(dataDir: string): boolean {
  return readdirSync(dataDir)
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => join(dataDir, name))
    .some(isHeld);
}

function isHeld(file: string): boolean {
  try {
    const owner = JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
    if (owner.host === hostname() && isRunning(owner)) return true;
  } catch (error) {
    // Being written just now, or taken back just now.
    return error instanceof SyntaxError;
  }
  rmSync(file, { force: true });
  return false;
}
