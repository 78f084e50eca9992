import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest, onSendHookHandler } from 'fastify';
import type { Logger } from 'pino';
import type { Metrics } from './metrics.js';

/** What every answer says to browsers, unless its route says something else. */
const HEADERS = [
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'strict-origin-when-cross-origin'],
  ['x-frame-options', 'SAMEORIGIN'],
] as const;
/** Pages that do not set a policy of their own: nobody frames them, nothing is embedded in them. */
const PAGE_POLICY = "frame-ancestors 'self'; base-uri 'self'; object-src 'none'; form-action 'self'";

/** Request ids, security headers, metrics and (at level debug) a line for every request: its route, never its address, which may hold a secret. */
export function observeRequests(
  server: FastifyInstance,
  { metrics, log, https }: { metrics: Metrics; log: Logger; https: boolean },
): void {
  server.addHook('onSend', (...[request, reply, payload, done]: Parameters<onSendHookHandler>) => {
    reply.header('x-request-id', request.id);
    for (const [name, value] of HEADERS) if (!reply.hasHeader(name)) reply.header(name, value);
    if (https) reply.header('strict-transport-security', 'max-age=31536000');
    const isPage = String(reply.getHeader('content-type') ?? '').startsWith('text/html');
    if (isPage && !reply.hasHeader('content-security-policy')) reply.header('content-security-policy', PAGE_POLICY);
    done(null, payload);
  });
  server.addHook('onResponse', (request: FastifyRequest, reply: FastifyReply, done) => {
    const route = request.routeOptions.url ?? 'unmatched';
    const answer = { status: reply.statusCode, seconds: reply.elapsedTime / 1_000 };
    metrics.request(request.method, route, answer);
    log.debug(
      {
        requestId: request.id,
        method: request.method,
        route,
        status: answer.status,
        ms: Math.round(reply.elapsedTime),
      },
      'answered',
    );
    done();
  });
}

const LINGER_MS = 500;

/** What is no HTTP, or too long for it, is answered and cut off; what it may go on with is never read as a request. */
export function refuseUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
  const title = 'The request cannot be read';
  const body = JSON.stringify({ type: '/docs#malformed', title, status, detail: title, code: 'malformed' });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}
