import { announceContact, demandVisibleContact, NotFound, visibleContacts } from '#conversations';
import type { Sql } from '#database';
import {
  addHandle,
  contactSearch,
  findCompany,
  findContact,
  findSurvivor,
  HandleTaken,
  insertContact,
  listContacts,
  removeHandle,
  updateContact,
} from '#identity';
import { InvalidInput, normalizeHandle, parseHandleKey, type Handle } from '#normalizer';
import { Controller, Inject } from '@nestjs/common';
import { z } from 'zod';
import { Called, endpoint, type Call } from '../core/endpoint.js';
import { fromCursor, pageOf, toPage } from '../core/page.js';
import { Refusal } from '../core/problem.js';
import { Serves } from '../core/serves.js';
import { byId } from '../schemas/elements.js';
import { API_OPTIONS, type ApiOptions } from '../options.js';
import { byHandle, ContactInput, ContactPatch, ContactQuery, ContactRecord, HandleInput } from '../schemas/contact.js';

const tag = 'Contacts';
const read = 'contacts:read' as const;
const write = 'contacts:write' as const;

const list = endpoint({
  method: 'GET',
  path: '/v1/contacts',
  scope: read,
  tag,
  summary: 'List contacts, or find them by handle, name or company',
  description: 'A handle is compared in its normal form: `phone:+86 138 0013 8000` finds `+8613800138000`.',
  query: ContactQuery,
  status: 200,
  answer: pageOf(ContactRecord),
});
const get = endpoint({ method: 'GET', path: '/v1/contacts/{id}', scope: read, tag, summary: 'Get a contact', params: byId, status: 200, answer: ContactRecord }); // prettier-ignore
const create = endpoint({
  method: 'POST',
  path: '/v1/contacts',
  scope: write,
  tag,
  summary: 'Make a contact',
  body: ContactInput,
  status: 201,
  answer: ContactRecord,
  problems: ['taken'],
  examples: { body: { name: '王芳', handles: [{ scheme: 'phone', value: '+8613800138000' }] } },
});
const patch = endpoint({
  method: 'PATCH',
  path: '/v1/contacts/{id}',
  scope: write,
  tag,
  summary: 'Change name, company, CRM reference, metadata, or block',
  params: byId,
  body: ContactPatch,
  status: 200,
  answer: ContactRecord,
});
const addOne = endpoint({
  method: 'POST',
  path: '/v1/contacts/{id}/handles',
  scope: write,
  tag,
  summary: 'Give a contact a handle',
  description: "A proven handle of another contact is refused: joining two people is a merge's business.",
  params: byId,
  body: HandleInput,
  status: 201,
  answer: ContactRecord,
  problems: ['taken'],
});
const removeOne = endpoint({ method: 'DELETE', path: '/v1/contacts/{id}/handles/{handle}', scope: write, tag, summary: 'Take a handle away', params: byHandle, status: 204 }); // prettier-ignore

@Controller()
export class ContactsController {
  constructor(@Inject(API_OPTIONS) private readonly options: ApiOptions) {}

  @Serves(list)
  async list(@Called() { sql, query, caller }: Call<typeof list>) {
    const handle = query.handle === undefined ? undefined : this.read(query.handle);
    const search = query.q === undefined ? undefined : contactSearch(query.q, this.options.defaultCountry);
    const rows = await listContacts(sql, {
      filter: { handle, search, companyId: query.companyId, level: query.level, blocked: query.blocked },
      after: fromCursor(query.cursor, z.tuple([z.string()]))?.[0] ?? null,
      limit: query.limit + 1,
      within: visibleContacts(caller.accounts),
    });
    return toPage(rows, query.limit, { place: (row) => [row.id], show: (row) => row });
  }

  @Serves(get)
  async get(@Called() { sql, params, caller }: Call<typeof get>) {
    await demandVisibleContact(sql, params.id, caller.accounts);
    return existing(sql, params.id);
  }

  @Serves(create)
  async create(@Called() call: Call<typeof create>) {
    const { sql, body } = call;
    await demandCompany(sql, body.companyId);
    const id = await insertContact(sql, body);
    for (const handle of body.handles) await give(sql, id, this.vouched(call, handle));
    return this.told(call, 'contact.created', { id });
  }

  @Serves(patch)
  async patch(@Called() call: Call<typeof patch>) {
    const { sql, params, body } = call;
    await demandCompany(sql, body.companyId);
    const changes = await updateContact(sql, params.id, body);
    if (!changes) throw new NotFound(`there is no contact ${params.id}`);
    return changes.length > 0
      ? this.told(call, 'contact.updated', { id: params.id, changes })
      : existing(sql, params.id);
  }

  @Serves(addOne)
  async addOne(@Called() call: Call<typeof addOne>) {
    const { sql, params, body } = call;
    const contact = await existing(sql, params.id);
    const added = await give(sql, contact.id, this.vouched(call, body));
    return added ? this.told(call, 'contact.updated', { id: contact.id, changes: ['handles'] }) : contact;
  }

  @Serves(removeOne)
  async removeOne(@Called() call: Call<typeof removeOne>) {
    const { sql, params, caller } = call;
    const contact = await existing(sql, params.id);
    if (!(await removeHandle(sql, contact.id, { ...this.read(params.handle), by: `key:${caller.id}` }))) {
      throw new NotFound('the contact has no such handle');
    }
    await this.told(call, 'contact.updated', { id: contact.id, changes: ['handles'] });
  }

  /** A handle as callers write it, in its normal form. */
  private read(key: string): Handle {
    return normalizeHandle(parseHandleKey(key), this.options);
  }

  private vouched({ caller }: Pick<Call, 'caller'>, handle: Handle): Handle & { source: string } {
    return { ...normalizeHandle(handle, this.options), source: `key:${caller.id}` };
  }

  private async told(
    { sql, hint }: Pick<Call, 'sql' | 'hint'>,
    type: 'contact.created' | 'contact.updated',
    about: { id: string; changes?: readonly string[] },
  ) {
    await announceContact(sql, type, about);
    hint('outbox', 'events');
    return existing(sql, about.id);
  }
}

async function existing(sql: Sql, id: string) {
  const contact = await findContact(sql, id);
  if (contact) return contact;
  const survivor = await findSurvivor(sql, id);
  throw new NotFound(survivor ? `the contact ${id} was merged into ${survivor}` : `there is no contact ${id}`);
}

async function demandCompany(sql: Sql, id: string | null | undefined): Promise<void> {
  if (id && !(await findCompany(sql, id)))
    throw new InvalidInput([{ path: 'companyId', message: 'there is no such company' }]);
}

async function give(sql: Sql, contactId: string, handle: Handle & { source: string }): Promise<boolean> {
  try {
    return await addHandle(sql, contactId, handle);
  } catch (error) {
    if (error instanceof HandleTaken)
      throw new Refusal('taken', `the handle belongs to the contact ${error.contactId}`);
    throw error;
  }
}
