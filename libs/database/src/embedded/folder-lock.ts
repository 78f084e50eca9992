import { randomUUID } from 'node:crypto';
import { readFileSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DataFolderBusy } from '../errors.js';
import { isRunning, ownIdentity, type ProcessIdentity } from './process-identity.js';

const FILE = 'database.lock';
/** A lock that cannot be read is being written just now, unless it stays so this long. */
const UNREADABLE_MS = 1_000;
/** The owner touches its lock this often. A process of another host cannot be looked up: its lock is dead when untouched for long. */
const TOUCH_MS = 10_000;
const UNTOUCHED_MS = 45_000;
/** Nobody holds the right to take a lock over longer than some file calls. */
const TAKEOVER_MS = 5_000;

/** The right to use one data folder, held by at most one process. */
export class FolderLock {
  readonly #path: string;
  readonly #content: string;
  readonly #touching: NodeJS.Timeout;

  /**
   * Takes the lock of `folder`, also from a process that died with it.
   * @throws DataFolderBusy within 2 s where another process holds it
   */
  static async acquire(folder: string): Promise<FolderLock> {
    const path = join(folder, FILE);
    const content = JSON.stringify({ ...ownIdentity(), token: randomUUID() });
    const deadline = Date.now() + UNREADABLE_MS;
    for (;;) {
      if (create(path, content)) return new FolderLock(path, content);
      const seen = read(path);
      const owner = seen === undefined ? undefined : parse(seen);
      if (owner !== undefined && isHeld(path, owner)) throw new DataFolderBusy(folder, owner);
      if (seen !== undefined && (owner !== undefined || Date.now() > deadline)) takeOver(path, seen);
      await delay(20);
    }
  }

  private constructor(path: string, content: string) {
    this.#path = path;
    this.#content = content;
    this.#touching = setInterval(() => touch(path), TOUCH_MS).unref();
  }

  release(): void {
    clearInterval(this.#touching);
    if (read(this.#path) === this.#content) remove(this.#path);
  }
}

function isHeld(path: string, owner: ProcessIdentity): boolean {
  if (owner.host === hostname()) return isRunning(owner);
  return (age(path) ?? 0) < UNTOUCHED_MS;
}

/** Removes the lock if it still reads as `seen`. A second file lets one process at a time do so, or it could remove a lock just taken. */
function takeOver(path: string, seen: string): void {
  const right = `${path}.takeover`;
  if (!create(right, String(process.pid))) {
    if ((age(right) ?? 0) > TAKEOVER_MS) remove(right);
    return;
  }
  try {
    if (read(path) === seen) remove(path);
  } finally {
    remove(right);
  }
}

/** Whether the file was made by this call. */
function create(path: string, content: string): boolean {
  try {
    writeFileSync(path, content, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function parse(content: string): ProcessIdentity | undefined {
  try {
    const { pid, host, started } = JSON.parse(content) as Partial<ProcessIdentity>;
    return typeof pid === 'number' && typeof host === 'string' && typeof started === 'string'
      ? { pid, host, started }
      : undefined;
  } catch {
    return undefined;
  }
}

function read(path: string): string | undefined {
  return ifPresent(() => readFileSync(path, 'utf8'));
}

function remove(path: string): void {
  ifPresent(() => unlinkSync(path));
}

function age(path: string): number | undefined {
  return ifPresent(() => Date.now() - statSync(path).mtimeMs);
}

function touch(path: string): void {
  ifPresent(() => utimesSync(path, new Date(), new Date()));
}

function ifPresent<T>(operation: () => T): T | undefined {
  try {
    return operation();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
