import { Catch, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { LOGGER } from '../../tokens.js';
import { refusalOf } from './refuse.js';

/** Turns every error of the process, Fastify's own included, into a problem document. What is ours to answer for is logged. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(@Inject(LOGGER) private readonly log: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const refusal = refusalOf(error);
    const asked = { method: request.method, route: request.routeOptions?.url };
    if (refusal.code === 'unavailable' && error === refusal && !refusal.options.cause)
      this.log.warn(asked, refusal.detail);
    else if (refusal.status >= 500) this.log.error({ err: refusal.options.cause ?? error, ...asked }, refusal.detail);
    if (reply.sent || reply.raw.headersSent) return;
    const { retryAfterS } = refusal.options;
    if (retryAfterS !== undefined) void reply.header('retry-after', String(retryAfterS));
    if (refusal.status === 401) void reply.header('www-authenticate', 'Bearer realm="tributary"');
    void reply
      .status(refusal.status)
      .header('content-type', 'application/problem+json')
      .send(JSON.stringify(refusal.toProblem()));
  }
}
