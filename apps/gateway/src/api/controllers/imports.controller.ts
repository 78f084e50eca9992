import { NotFound } from '#conversations';
import type { Database } from '#database';
import {
  CompanyRow,
  ContactRow,
  discardImport,
  findImport,
  listImportErrors,
  listImports,
  receiveImport,
  startImport,
} from '#identity';
import { Controller, Inject } from '@nestjs/common';
import { z } from 'zod';
import { incoming, STREAMED } from '../../imports/receive.js';
import { DATABASE } from '../../tokens.js';
import { Called, endpoint, Finish, type Call } from '../core/endpoint.js';
import { fromCursor, pageOf, paging, toPage } from '../core/page.js';
import { Serves } from '../core/serves.js';
import { API_OPTIONS, type ApiOptions } from '../options.js';
import { byId } from '../schemas/elements.js';
import { ImportFault, ImportQuery, ImportRecord } from '../schemas/import.js';

const tag = 'Imports';
const read = 'contacts:read' as const;

const create = endpoint({
  method: 'POST',
  path: '/v1/imports',
  scope: 'contacts:write',
  tag,
  summary: 'Import companies or contacts',
  description:
    'A CSV or NDJSON file as the body or as the multipart field `file`, or a JSON list. It is answered once all of it is received, and done in the background. ' +
    'The same file may be imported again: what has not changed is left alone. Columns: `docs/directory.md`.',
  query: ImportQuery,
  upload: { types: Object.keys(STREAMED), json: z.array(z.union([CompanyRow, ContactRow])) },
  status: 202,
  answer: ImportRecord,
  work: 'outside',
});
const list = endpoint({ method: 'GET', path: '/v1/imports', scope: read, tag, summary: 'List imports, the newest first', query: z.strictObject(paging), status: 200, answer: pageOf(ImportRecord) }); // prettier-ignore
const get = endpoint({ method: 'GET', path: '/v1/imports/{id}', scope: read, tag, summary: 'Get an import and how far it is', params: byId, status: 200, answer: ImportRecord }); // prettier-ignore
const errors = endpoint({ method: 'GET', path: '/v1/imports/{id}/errors', scope: read, tag, summary: 'List the rejected rows of an import', params: byId, query: z.strictObject(paging), status: 200, answer: pageOf(ImportFault) }); // prettier-ignore

/** Imports are of no account: keys that are limited to accounts see none of them. */
@Controller()
export class ImportsController {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(API_OPTIONS) private readonly options: ApiOptions,
  ) {}

  @Serves(create)
  async create(@Called() { query, caller, request, hint }: Call<typeof create>) {
    const { kind, unknown, country = this.options.defaultCountry } = query;
    const { rows, fingerprint } = await incoming(request, { kind, unknown, country });
    const id = await receiveImport(this.database, rows, { kind, by: caller.id });
    hint('imports');
    return new Finish(
      (sql) => startImport(sql, id),
      fingerprint(),
      () => discardImport(this.database, id),
    );
  }

  @Serves(list)
  async list(@Called() { sql, query, caller }: Call<typeof list>) {
    if (caller.accounts) return { items: [], next: null };
    const before = fromCursor(query.cursor, z.tuple([z.string()]))?.[0] ?? null;
    const rows = await listImports(sql, { before, limit: query.limit + 1 });
    return toPage(rows, query.limit, { place: (row) => [row.id], show: (row) => row });
  }

  @Serves(get)
  get(@Called() call: Call<typeof get>) {
    return existing(call);
  }

  @Serves(errors)
  async errors(@Called() call: Call<typeof errors>) {
    const { sql, params, query } = call;
    await existing(call);
    const after = fromCursor(query.cursor, z.tuple([z.int()]))?.[0] ?? 0;
    const rows = await listImportErrors(sql, { id: params.id, after, limit: query.limit + 1 });
    return toPage(rows, query.limit, { place: ({ row }) => [row], show: (row) => row });
  }
}

async function existing({ sql, params, caller }: Pick<Call<typeof get>, 'sql' | 'params' | 'caller'>) {
  const found = caller.accounts ? null : await findImport(sql, params.id);
  if (!found) throw new NotFound(`there is no import ${params.id}`);
  return found;
}
