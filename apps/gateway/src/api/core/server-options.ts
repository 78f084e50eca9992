import type { Duplex } from 'node:stream';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { Refusal, type Problem } from './problem.js';

/** Longest part of a path between slashes: handles of contacts stand in one. */
const MAX_PARAMETER = 2_000;

/** Options of Fastify that the API needs: problem documents also for requests that reach no route, and room for long ids. */
export const API_SERVER = {
  routerOptions: { maxParamLength: MAX_PARAMETER, ignoreTrailingSlash: true },
  frameworkErrors(error: FastifyError, _: FastifyRequest, reply: FastifyReply): void {
    const found = error.code === 'FST_ERR_BAD_URL';
    const refusal = found
      ? new Refusal('malformed', 'the address is not percent-encoded UTF-8')
      : new Refusal('not-found', 'there is nothing at this address');
    void reply
      .status(refusal.status)
      .header('content-type', 'application/problem+json')
      .send(JSON.stringify(refusal.toProblem()));
  },
  /** What is no HTTP, came too slowly or had endless headers: there is no request and no reply, only the socket. */
  clientErrorHandler(error: Error & { code?: string }, socket: Duplex): void {
    if (error.code === 'ECONNRESET' || socket.destroyed) return;
    const [status, reason] = STATUS[error.code ?? ''] ?? [400, 'Bad Request'];
    const problem: Problem = {
      ...new Refusal('malformed', 'the request is no HTTP that can be read').toProblem(),
      status,
    };
    const body = JSON.stringify(problem);
    const head = `HTTP/1.1 ${status} ${reason}\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n`;
    if (socket.writable) socket.write(head + body);
    socket.destroy();
  },
};

const STATUS: Readonly<Record<string, readonly [number, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
};
