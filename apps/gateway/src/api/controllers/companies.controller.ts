import { NotFound } from '#conversations';
import type { Sql } from '#database';
import { findCompany, insertCompany, listCompanies, updateCompany } from '#identity';
import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { Called, endpoint, type Call } from '../core/endpoint.js';
import { fromCursor, pageOf, toPage } from '../core/page.js';
import { Serves } from '../core/serves.js';
import { byId } from '../schemas/elements.js';
import { CompanyInput, CompanyPatch, CompanyQuery, CompanyRecord } from '../schemas/contact.js';

const tag = 'Companies';
const read = 'contacts:read' as const;
const write = 'contacts:write' as const;

const list = endpoint({ method: 'GET', path: '/v1/companies', scope: read, tag, summary: 'List companies, or find them by name', query: CompanyQuery, status: 200, answer: pageOf(CompanyRecord) }); // prettier-ignore
const get = endpoint({ method: 'GET', path: '/v1/companies/{id}', scope: read, tag, summary: 'Get a company', params: byId, status: 200, answer: CompanyRecord }); // prettier-ignore
const create = endpoint({
  method: 'POST',
  path: '/v1/companies',
  scope: write,
  tag,
  summary: 'Make a company',
  body: CompanyInput,
  status: 201,
  answer: CompanyRecord,
  examples: { body: { name: 'Acme', level: 'vip' } },
});
const patch = endpoint({
  method: 'PATCH',
  path: '/v1/companies/{id}',
  scope: write,
  tag,
  summary: 'Change a company',
  params: byId,
  body: CompanyPatch,
  status: 200,
  answer: CompanyRecord,
});
/** Companies are of no account: keys that are limited to accounts see none of them. */
@Controller()
export class CompaniesController {
  @Serves(list)
  async list(@Called() { sql, query, caller }: Call<typeof list>) {
    if (caller.accounts) return { items: [], next: null };
    const after = fromCursor(query.cursor, z.tuple([z.string()]))?.[0] ?? null;
    const rows = await listCompanies(sql, { name: query.q, after, limit: query.limit + 1 });
    return toPage(rows, query.limit, { place: (row) => [row.id], show: (row) => row });
  }

  @Serves(get)
  async get(@Called() { sql, params, caller }: Call<typeof get>) {
    if (caller.accounts) throw new NotFound(`there is no company ${params.id}`);
    return existing(sql, params.id);
  }

  @Serves(create)
  async create(@Called() { sql, body }: Call<typeof create>) {
    return existing(sql, await insertCompany(sql, body));
  }

  @Serves(patch)
  async patch(@Called() { sql, params, body }: Call<typeof patch>) {
    await existing(sql, params.id);
    await updateCompany(sql, params.id, body);
    return existing(sql, params.id);
  }
}

async function existing(sql: Sql, id: string) {
  const company = await findCompany(sql, id);
  if (!company) throw new NotFound(`there is no company ${id}`);
  return company;
}
