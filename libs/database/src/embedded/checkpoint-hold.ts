import { randomUUID } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isRunning, ownIdentity, type ProcessIdentity } from './process-identity.js';

/** A hold that cannot be read for longer was left behind by a process that ended while it wrote it. */
const WRITING_MS = 10_000;
const PREFIX = 'checkpoint.hold-';

/** Asks the process that runs the database in `dataDir`, if there is one, to make no checkpoint; returns how to take it back. Ends with this process. */
export function holdCheckpoints(dataDir: string): () => void {
  const file = join(dataDir, `${PREFIX}${randomUUID()}`);
  try {
    writeFileSync(file, JSON.stringify(ownIdentity()));
    chmodSync(file, 0o644); // the database may be run by another user
  } catch (error) {
    rmSync(file, { force: true });
    throw error;
  }
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
    if (!(error instanceof SyntaxError)) return false; // taken back just now
    if (Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) < WRITING_MS) return true; // being written just now
  }
  rmSync(file, { force: true });
  return false;
}
