import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { isUpload } from './uploads.js';

/** Time for a body of one megabyte over a slow line. Uploads have longer: the server's `requestTimeout`. */
const BODY_MS = 60_000;
/** How long a sender may go on with what nobody waits for: time to read the answer. */
const LINGER_MS = 500;

/**
 * Cuts connections whose request is still not whole a minute after it began (uploads excepted), or shortly after it was answered: whoever is refused does
 * not go on sending. What is whole by then leaves its connection as it is.
 */
export function cutSlowRequests(server: FastifyInstance, { bodyMs = BODY_MS, lingerMs = LINGER_MS } = {}): void {
  server.addHook('onRequest', (request, _, done) => {
    if (hasBody(request.raw) && !isUpload(request.headers['content-type'])) cutUnlessComplete(request.raw, bodyMs);
    done();
  });
  server.addHook('onResponse', (request, _, done) => {
    const { raw } = request;
    if (!raw.complete) {
      raw.unpipe();
      raw.resume();
      cutUnlessComplete(raw, lingerMs);
    }
    done();
  });
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function cutUnlessComplete(raw: IncomingMessage, ms: number): void {
  const timer = setTimeout(() => raw.complete || raw.socket.destroy(), ms).unref();
  raw.once('close', () => clearTimeout(timer));
}
