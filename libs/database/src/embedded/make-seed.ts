import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { createCluster } from './cluster.js';
import { packFolder, seedFile } from './seed.js';

/** A step of the build: makes the seed. It gets its name once it is whole, so that a build that is killed leaves none. */
const file = seedFile();
const unfinished = `${file}.${process.pid}`;
const cluster = `${unfinished}.cluster`;
await mkdir(dirname(file), { recursive: true });
try {
  await createCluster(cluster);
  await pipeline(packFolder(cluster), createGzip({ level: 9 }), createWriteStream(unfinished, { flush: true }));
  await rename(unfinished, file);
} finally {
  await rm(cluster, { recursive: true, force: true });
  await rm(unfinished, { force: true });
}
