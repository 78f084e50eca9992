import { closeSync, fsyncSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openDurable } from './durable-pglite.js';

/** Makes a database in the folder given as argument and puts it on the disk. A process of its own: initdb takes 800 MB that a thread does not all give back. */
process.once('disconnect', () => process.exit(1));

const folder = process.argv[2] ?? '';
const database = await openDurable(folder, { onFatal: (reason) => fail(reason) });
await database.close();
syncTree(folder);
process.exit(0);

function fail(reason: string): never {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}

function syncTree(path: string): void {
  for (const item of readdirSync(path, { withFileTypes: true })) {
    if (item.isDirectory()) syncTree(join(path, item.name));
    else sync(join(path, item.name), 'r+');
  }
  if (process.platform !== 'win32') sync(path, 'r');
}

function sync(path: string, flags: 'r' | 'r+'): void {
  const file = openSync(path, flags);
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
