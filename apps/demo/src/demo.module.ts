import {
  Inject,
  Module,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { demoRoutes } from './demo-routes.js';
import { Helpdesk, type HelpdeskOptions } from './helpdesk.js';

/** The page at `/demo` and the small helpdesk behind it. Whoever reaches it can answer customers: for a look, not for real use. */
@Module({})
export class DemoModule implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    @Inject(Helpdesk) private readonly helpdesk: Helpdesk,
  ) {}

  static register(options: HelpdeskOptions): DynamicModule {
    return { module: DemoModule, providers: [{ provide: Helpdesk, useValue: new Helpdesk(options) }] };
  }

  /** Not awaited: that would settle the error handler of all routes before the framework has set its own. */
  onModuleInit(): void {
    void (this.host.httpAdapter.getInstance() as FastifyInstance).register(demoRoutes(this.helpdesk));
  }

  onApplicationBootstrap(): void {
    void this.helpdesk.start();
  }

  onModuleDestroy(): void {
    this.helpdesk.stop();
  }
}
