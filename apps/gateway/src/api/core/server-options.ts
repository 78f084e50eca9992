import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from './problem.js';

/** Longest part of a path between slashes: handles of contacts stand in one. */
const MAX_PARAMETER = 2_000;

/** Options of Fastify that the API needs: problem documents also for addresses that reach no route, and room for long ids. */
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
};
