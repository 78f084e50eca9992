import { Readable } from 'node:stream';
import { FileMissing, Files, FileUrls, type ByteRange, type FileRow } from '#conversations';
import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from '../api/core/problem.js';
import { etagOf, fileHeaders, rangeOf } from './file-headers.js';
import { FileWaiting } from './file-waiting.js';

const RETRY_S = 5;

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly headers: Record<string, string>;
}

/** `GET /files/{id}?exp&sig`: attachments, for whoever holds a signed address. */
@Controller('files')
export class FileDownloadController {
  constructor(
    @Inject(Files) private readonly files: Files,
    @Inject(FileUrls) private readonly urls: FileUrls,
    @Inject(FileWaiting) private readonly waiting: FileWaiting,
  ) {}

  @Get(':id')
  async download(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { id } = request.params as { id: string };
    const { exp, sig } = request.query as { exp?: unknown; sig?: unknown };
    const verdict = this.urls.verify(id, exp, sig);
    if (verdict === 'forged') throw new Refusal('forbidden', 'this address of a file is not one that was given out');
    if (verdict === 'expired')
      throw new Refusal('forbidden', 'this address has expired; read the message again for a fresh one');
    const row = await this.row(id, reply);
    await this.answer(row, { request, reply, headers: fileHeaders(row, Number(exp) - Date.now() / 1_000) });
  }

  private async row(id: string, reply: FastifyReply): Promise<FileRow> {
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const row = await this.waiting.settled(id, gone.signal);
    if (!row) throw new Refusal('not-found', 'there is no such file');
    if (row.state === 'unavailable') throw new Refusal('gone', row.reason ?? 'the file could not be fetched');
    if (row.state === 'ready') return row;
    throw new Refusal('unavailable', 'the file is still on its way from the provider', { retryAfterS: RETRY_S });
  }

  private async answer(row: FileRow, { request, reply, headers }: Exchange): Promise<void> {
    const { range: asked, 'if-range': ifRange, 'if-none-match': held } = request.headers;
    if (held === etagOf(row)) return void reply.status(304).headers(headers).send();
    const size = row.bytes ?? 0;
    const range = ifRange === undefined || ifRange === etagOf(row) ? rangeOf(asked, size) : null;
    if (range === 'outside') return void reply.status(416).header('content-range', `bytes */${size}`).send();
    const stream = request.method === 'HEAD' ? Readable.from([]) : (await this.open(row, range)).stream;
    if (range) void reply.status(206).header('content-range', `bytes ${range.start}-${range.end}/${size}`);
    void reply.headers(headers).header('content-length', String(range ? range.end - range.start + 1 : size));
    await reply.send(stream);
  }

  private open(row: FileRow, range: ByteRange | null) {
    return this.files.openRow(row, range ?? undefined).catch((error: Error) => {
      throw error instanceof FileMissing
        ? new Refusal('gone', 'the bytes of this file are lost', { cause: error })
        : error;
    });
  }
}
