import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { CONTROLLERS } from './controllers.js';
import { AuditLog } from '../audit/audit-log.js';
import { ProblemFilter } from './core/problem.filter.js';
import { EventStream } from './event-stream.js';
import { Presenter } from './presenter.js';
import { Reach } from './reach.js';
import { ReferenceController } from './reference/reference.controller.js';

/**
 * The REST API and its reference. Needs from the application, provided globally: `DATABASE`, `LOGGER`, `API_OPTIONS`, `Directory`, `Replies`, `AccountStore`,
 * `DestinationStore`, `Deliveries`, `Horizon`, `Files`, `FileUrls`, `Vault`. Its filter makes problem documents of the errors of the whole process.
 */
@Module({
  controllers: [...CONTROLLERS, ReferenceController],
  providers: [AuditLog, EventStream, Presenter, Reach, { provide: APP_FILTER, useClass: ProblemFilter }],
})
export class ApiModule {}
