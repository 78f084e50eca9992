import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from '../api/core/problem.js';

const compress = promisify(gzip);

interface Loaded {
  readonly modified: number;
  readonly plain: Buffer;
  readonly zipped: Buffer;
  readonly etag: string;
}

/** The folder of the built browser code, found from here upwards: the same from sources and from the build. */
export function browserFolder(name: string): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder);
  return join(folder, 'dist/apps', name);
}

/** One file of the browser's, kept in memory as long as it does not change on the disk. */
export class BuiltFile {
  private loaded: Loaded | undefined;

  constructor(
    private readonly path: string,
    private readonly headers: Readonly<Record<string, string>>,
  ) {}

  /** Answers with the file, compressed where the browser takes that. Throws `Refusal` (404) where it was not built. */
  async send(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { plain, zipped, etag } = await this.load();
    void reply.headers({ ...this.headers, etag, vary: 'accept-encoding' });
    if (request.headers['if-none-match'] === etag) return void reply.status(304).send();
    const zip = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
    if (zip) void reply.header('content-encoding', 'gzip');
    await reply.send(zip ? zipped : plain);
  }

  private async load(): Promise<Loaded> {
    const found = await stat(this.path).catch(() => undefined);
    if (!found) throw new Refusal('not-found', 'it has not been built: npm run build');
    if (this.loaded?.modified === found.mtimeMs) return this.loaded;
    const plain = await readFile(this.path);
    const etag = `W/"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`;
    this.loaded = { modified: found.mtimeMs, plain, zipped: await compress(plain, { level: 9 }), etag };
    return this.loaded;
  }
}
