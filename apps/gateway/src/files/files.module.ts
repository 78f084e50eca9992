import { Files } from '#conversations';
import type { Database } from '#database';
import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { DATABASE } from '../tokens.js';
import { FileDownloadController } from './file-download.controller.js';
import { FileWaiting } from './file-waiting.js';
import { acceptUploads } from './uploads.js';

/** Attachments over HTTP. Needs `DATABASE`, `Files` and `FileUrls` from a global module. */
@Module({
  controllers: [FileDownloadController],
  providers: [
    {
      provide: FileWaiting,
      inject: [DATABASE, Files],
      useFactory: (database: Database, files: Files) => new FileWaiting(database, files),
    },
  ],
})
export class FilesModule implements OnModuleInit {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  async onModuleInit(): Promise<void> {
    await acceptUploads(this.host.httpAdapter.getInstance<FastifyInstance>());
  }
}
