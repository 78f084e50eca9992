import { FileRefused, type AboutFile, type Files, type ReceivedFile } from '#conversations';
import multipart, { type MultipartFile } from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Refusal } from '../api/core/problem.js';
import { STREAMED, mediaType } from '../imports/receive.js';

/** The one route that reads bodies of the types in `STREAMED`. */
const IMPORTS = '/v1/imports';

/** Makes `request.file()` work, and hands tables on as they come; nothing happens where somebody has done it already. */
export async function acceptUploads(fastify: FastifyInstance): Promise<void> {
  if (fastify.hasContentTypeParser('multipart/form-data')) return;
  await fastify.register(multipart);
  fastify.addContentTypeParser(Object.keys(STREAMED), (request, payload, done) => {
    const type = request.headers['content-type'];
    if (request.routeOptions.url === IMPORTS) done(null, payload);
    else done(Object.assign(new Refusal('unsupported-media-type', `no ${mediaType(type)} is taken here`), { statusCode: 415 })); // prettier-ignore
  });
}

/** Is it a body that is not held in memory? */
export function isUpload(contentType: string | undefined): boolean {
  const type = mediaType(contentType);
  return type.startsWith('multipart/') || Object.hasOwn(STREAMED, type);
}

/**
 * Receives the one file of a multipart request, field `file`, streaming. Throws `Refusal`: 415 for another kind of body, 400 without the field,
 * 413 beyond the limit, 422 for what is not taken.
 */
export async function receiveUpload(files: Files, request: FastifyRequest, about: AboutFile): Promise<ReceivedFile> {
  if (!request.isMultipart()) {
    throw new Refusal('unsupported-media-type', 'send the file as multipart/form-data in the field "file"');
  }
  const fileSize = Math.min(about.maxBytes ?? files.maxBytes, files.maxBytes) + 1;
  try {
    const part = await filePart(request, fileSize);
    return await files.receive(part.file, { ...about, name: part.filename, declaredType: part.mimetype });
  } catch (error) {
    throw refusalOf(error as Error & { code?: string });
  }
}

async function filePart(request: FastifyRequest, fileSize: number): Promise<MultipartFile> {
  const part = await request.file({ limits: { fileSize, files: 1, fields: 10, fieldSize: 10_000, parts: 20 } });
  if (part?.fieldname === 'file') return part;
  part?.file.resume();
  throw new Refusal('malformed', 'there is no field "file" in the upload');
}

function refusalOf(error: Error & { code?: string }): Error {
  if (error instanceof FileRefused && error.code === 'too-large') return new Refusal('too-large', error.message);
  if (error instanceof FileRefused)
    return new Refusal('invalid', error.message, { errors: [{ path: 'file', message: error.message }] });
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT')
    return new Refusal('unavailable', 'there is no room for files now', { retryAfterS: 60, cause: error });
  const unreadable = error.code?.startsWith('FST_') ?? /multipart|malformed part/i.test(error.message);
  return unreadable && !(error instanceof Refusal) ? new Refusal('malformed', 'the upload cannot be read') : error;
}
