import { NotFound } from '#conversations';
import type { Sql } from '#database';
import { deleteCompany, ExternalIdTaken, findCompany, insertCompany, listCompanies, updateCompany } from '#identity';
import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { Called, endpoint, type Call } from '../core/endpoint.js';
import { fromCursor, pageOf, toPage } from '../core/page.js';
import { Refusal } from '../core/problem.js';
import { Serves } from '../core/serves.js';
import { byId } from '../schemas/elements.js';
import { CompanyInput, CompanyPatch, CompanyQuery, CompanyRecord } from '../schemas/company.js';

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
  problems: ['taken'],
  examples: { body: { externalId: 'K-1001', name: 'Acme', level: 'vip', products: ['CRM Cloud'] } },
});
const patch = endpoint({
  method: 'PATCH',
  path: '/v1/companies/{id}',
  scope: write,
  tag,
  summary: 'Change a company',
  description:
    'The stream is told of every contact of the company that shows what changed: name, level or products. Where they are more than a hundred, shortly after the answer.',
  params: byId,
  body: CompanyPatch,
  status: 200,
  answer: CompanyRecord,
  problems: ['taken'],
});
const remove = endpoint({
  method: 'DELETE',
  path: '/v1/companies/{id}',
  scope: write,
  tag,
  summary: 'Delete a company',
  description: 'Its contacts stay, without a company.',
  params: byId,
  status: 204,
});

/** Companies are of no account: keys that are limited to accounts see none of them. */
@Controller()
export class CompaniesController {
  @Serves(list)
  async list(@Called() { sql, query, caller }: Call<typeof list>) {
    if (caller.accounts) return { items: [], next: null };
    const after = fromCursor(query.cursor, z.tuple([z.string()]))?.[0] ?? null;
    const rows = await listCompanies(sql, {
      filter: { name: query.q, level: query.level, externalId: query.externalId },
      after,
      limit: query.limit + 1,
    });
    return toPage(rows, query.limit, { place: (row) => [row.id], show: (row) => row });
  }

  @Serves(get)
  async get(@Called() { sql, params, caller }: Call<typeof get>) {
    if (caller.accounts) throw new NotFound(`there is no company ${params.id}`);
    return existing(sql, params.id);
  }

  @Serves(create)
  async create(@Called() { sql, body }: Call<typeof create>) {
    return existing(sql, await unlessTaken(insertCompany(sql, body)));
  }

  @Serves(patch)
  async patch(@Called() { sql, params, body, hint }: Call<typeof patch>) {
    if (await unlessTaken(updateCompany(sql, params.id, body))) hint('outbox', 'events', 'companies');
    return existing(sql, params.id);
  }

  @Serves(remove)
  async remove(@Called() { sql, params, hint }: Call<typeof remove>) {
    const told = await deleteCompany(sql, params.id);
    if (told === null) throw new NotFound(`there is no company ${params.id}`);
    if (told > 0) hint('outbox', 'events', 'companies');
  }
}

async function unlessTaken<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof ExternalIdTaken)) throw error;
    throw new Refusal('taken', `the externalId belongs to the company ${error.companyId}`);
  }
}

async function existing(sql: Sql, id: string) {
  const company = await findCompany(sql, id);
  if (!company) throw new NotFound(`there is no company ${id}`);
  return company;
}
