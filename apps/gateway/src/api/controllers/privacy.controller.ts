import { Readable } from 'node:stream';
import { eraseContact, exportContact, Files, FileUrls, heeded, listErasures, NotFound, peopleOf } from '#conversations';
import type { Database } from '#database';
import { Controller, Inject, StreamableFile } from '@nestjs/common';
import { z } from 'zod';
import { DATABASE } from '../../tokens.js';
import { Called, endpoint, type Call } from '../core/endpoint.js';
import { fromCursor, pageOf, paging, toPage } from '../core/page.js';
import { Serves } from '../core/serves.js';
import { byId } from '../schemas/elements.js';
import { ContactExport, EraseInput, ErasureRecord } from '../schemas/privacy.js';

const tag = 'Privacy';

const exporting = endpoint({
  method: 'GET',
  path: '/v1/contacts/{id}/export',
  scope: 'contacts:export',
  tag,
  summary: 'Everything of a contact',
  description:
    'One JSON document, streamed: the contact and whoever was merged into it, on all channels, with handles, conversations, messages in every state, files, events and their ' +
    'deliveries, the journal and the audit log. Its schema is `/schemas/ContactExport.json`. A document that breaks off is not valid JSON.',
  params: byId,
  query: z.strictObject({
    files: z
      .enum(['inline', 'links'])
      .default('inline')
      .describe('`inline`: contents in base64. `links`: signed addresses, good for a day.'),
  }),
  status: 200,
  answer: ContactExport,
});
const erase = endpoint({
  method: 'POST',
  path: '/v1/contacts/{id}/erase',
  scope: 'contacts:erase',
  tag,
  summary: 'Erase a contact',
  description:
    'Everything of the person goes, whoever was merged into the contact with them, and it cannot be taken back. Nothing of them is delivered or sent once this is answered. ' +
    'Destinations get `contact.erased`, which names ids only. The answer is a proof without personal data. Backups are not changed.',
  params: byId,
  body: EraseInput,
  bodyOptional: true,
  status: 200,
  answer: ErasureRecord,
  problems: ['gone'],
});
const list = endpoint({
  method: 'GET',
  path: '/v1/erasures',
  scope: 'contacts:erase',
  tag,
  summary: 'List proofs of erasure',
  description: 'The newest first.',
  query: z.strictObject(paging),
  status: 200,
  answer: pageOf(ErasureRecord),
});

@Controller()
export class PrivacyController {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(Files) private readonly files: Files,
    @Inject(FileUrls) private readonly urls: FileUrls,
  ) {}

  @Serves(exporting)
  async export(@Called() { sql, params, query, signal }: Call<typeof exporting>) {
    const people = await peopleOf(sql, params.id);
    if (!people) throw new NotFound(`there is no contact ${params.id}`);
    const parts = {
      ...{ sql, files: query.files, signUrl: (fileId: string) => this.urls.sign(fileId) },
      open: async (fileId: string) => (await this.files.open(fileId)).stream,
    };
    const pieces = Readable.from(exportContact(params.id, people, parts), { objectMode: false });
    signal.addEventListener('abort', () => pieces.destroy(), { once: true });
    const disposition = `attachment; filename="${params.id}.json"`;
    return new StreamableFile(pieces, { type: 'application/json; charset=utf-8', disposition });
  }

  @Serves(erase)
  async erase(@Called() { sql, params, body, caller, hint, afterCommit }: Call<typeof erase>) {
    const erased = await eraseContact(sql, params.id, { by: caller.id, ...body });
    if (!erased) throw new NotFound(`there is no contact ${params.id}`);
    hint('outbox', 'events', ...erased.threadIds.map((id) => ['thread', id] as const));
    afterCommit(async () => void (await heeded(this.database, erased.position)));
    afterCommit(async () => void (await this.files.removeErased()));
    return erased.record;
  }

  @Serves(list)
  async list(@Called() { sql, query }: Call<typeof list>) {
    const before = fromCursor(query.cursor, z.tuple([z.string()]))?.[0] ?? null;
    const rows = await listErasures(sql, { before, limit: query.limit + 1 });
    return toPage(rows, query.limit, { place: ({ id }) => [id], show: (row) => row });
  }
}
