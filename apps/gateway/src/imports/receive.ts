import { createHash } from 'node:crypto';
import { extname } from 'node:path';
import type { Readable } from 'node:stream';
import { readItems, readRows, type ImportFormat, type ReadOptions, type ReadyRow } from '#identity';
import type { FastifyRequest } from 'fastify';
import { Refusal } from '../api/core/problem.js';

/** Largest file of an import: some million rows. */
const MAX_BYTES = 268_435_456;
/** Media types of bodies that are read as they come, and what is in them. */
export const STREAMED: Readonly<Record<string, ImportFormat>> = {
  'text/csv': 'csv',
  'application/x-ndjson': 'ndjson',
};
const EXTENSIONS: Readonly<Record<string, ImportFormat>> = {
  '.csv': 'csv', '.txt': 'csv', '.tsv': 'csv', '.ndjson': 'ndjson', '.jsonl': 'ndjson',
}; // prettier-ignore

/** The rows of a request, checked, and a fingerprint of them that is complete once they are read. */
export interface Incoming {
  readonly rows: AsyncIterable<ReadyRow> | Iterable<ReadyRow>;
  readonly fingerprint: () => string;
}

/**
 * What a request brings: a CSV or NDJSON file as its body or as the multipart field `file`, or a JSON list (`[...]` or `{ "items": [...] }`). Throws `Refusal`; while
 * rows are read also `InvalidInput`.
 */
export async function incoming(request: FastifyRequest, options: ReadOptions): Promise<Incoming> {
  const type = mediaType(request.headers['content-type']);
  if (request.isMultipart()) return multipart(request, options);
  const format = STREAMED[type];
  if (format) return hashed(request.body as Readable, format, options);
  if (type === 'application/json') return listed(request.body, options);
  throw new Refusal('unsupported-media-type', 'send text/csv, application/x-ndjson, application/json, or multipart/form-data with the field "file"'); // prettier-ignore
}

export function mediaType(header: string | undefined): string {
  return (header ?? '').split(';', 1)[0]!.trim().toLowerCase();
}

async function multipart(request: FastifyRequest, options: ReadOptions): Promise<Incoming> {
  const part = await request.file({ limits: { fileSize: MAX_BYTES + 1, files: 1, fields: 10, parts: 20 } });
  if (part?.fieldname !== 'file') {
    part?.file.resume();
    throw new Refusal('malformed', 'there is no field "file" in the upload');
  }
  const format = STREAMED[mediaType(part.mimetype)] ?? EXTENSIONS[extname(part.filename).toLowerCase()];
  if (format) return hashed(part.file, format, options);
  part.file.resume();
  throw new Refusal('unsupported-media-type', 'expected a file that ends in .csv, .ndjson or .jsonl');
}

function hashed(body: Readable, format: ImportFormat, options: ReadOptions): Incoming {
  const hash = createHash('sha256');
  async function* bytes(): AsyncGenerator<Uint8Array> {
    let size = 0;
    for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_BYTES) throw new Refusal('too-large', `expected at most ${MAX_BYTES} bytes`);
      hash.update(chunk);
      yield chunk;
    }
  }
  return { rows: readRows(bytes(), format, options), fingerprint: () => hash.digest('hex') };
}

function listed(body: unknown, options: ReadOptions): Incoming {
  const items = Array.isArray(body) ? (body as unknown[]) : (body as { items?: unknown } | null)?.items;
  if (!Array.isArray(items)) throw new Refusal('malformed', 'expected a JSON list, or an object with the list "items"');
  return {
    rows: readItems(items, options),
    fingerprint: () => createHash('sha256').update(JSON.stringify(body)).digest('hex'),
  };
}
