import { rmSync } from 'node:fs';
import { syncTree } from './on-disk.js';
import { unpackSeed } from './seed.js';

/**
 * Makes a database in the folder given as argument and puts it on the disk: from the seed of the build, else by initdb. A process of its own: initdb
 * takes 800 MB that a thread does not all give back.
 */
process.once('disconnect', () => process.exit(1));

const folder = process.argv[2] ?? '';
if (!(await unpacked())) await initialize();
syncTree(folder);
process.exit(0);

/** A seed that cannot be used costs time, and nothing else. */
async function unpacked(): Promise<boolean> {
  try {
    return await unpackSeed(folder);
  } catch {
    rmSync(folder, { recursive: true, force: true });
    return false;
  }
}

async function initialize(): Promise<void> {
  const { openDurable } = await import('./durable-pglite.js');
  const database = await openDurable(folder, { onFatal: (reason) => fail(reason) });
  await database.close();
}

function fail(reason: string): never {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}
