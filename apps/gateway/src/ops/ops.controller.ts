import { Controller, Get, Header, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from '../api/core/problem.js';
import { MetricsAccess } from './metrics-access.js';
import { Metrics } from './metrics.js';
import { Readiness } from './readiness.js';

/** For load balancers and Prometheus. */
@Controller()
export class OpsController {
  constructor(
    @Inject(Readiness) private readonly readiness: Readiness,
    @Inject(Metrics) private readonly metrics: Metrics,
    @Inject(MetricsAccess) private readonly access: MetricsAccess,
  ) {}

  /** Does the process run at all? */
  @Get('/health/live')
  @Header('cache-control', 'no-store')
  live() {
    return { status: 'ok' };
  }

  /** Can it take work? 503 with what stands in the way. */
  @Get('/health/ready')
  @Header('cache-control', 'no-store')
  async ready() {
    const obstacles = await this.readiness.obstacles();
    if (obstacles.length > 0) throw new Refusal('unavailable', obstacles.join('; '), { retryAfterS: 5 });
    return { status: 'ok' };
  }

  /** In the text format of Prometheus; for this machine, for keys with the scope `metrics:read`, or for everybody where `metrics.public` says so. */
  @Get('/metrics')
  @Header('cache-control', 'no-store')
  async show(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.access.demand(request);
    await reply.header('content-type', this.metrics.registry.contentType).send(await this.metrics.registry.metrics());
  }
}
