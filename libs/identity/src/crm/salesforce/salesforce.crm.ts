import { isPhone, nationalNumber, ProviderFailure, type Handle } from '#normalizer';
import { further, identifier, items, member, readAnswer, text, texts, type Json } from '../answer.js';
import type { CrmCompany, CrmContext, CrmDirectory, CrmRecord } from '../crm-directory.js';
import { SalesforceConfig } from './salesforce.config.js';
import { call, query, throwRefusal } from './session.js';
import { literal, select } from './soql.js';

type Context = CrmContext<SalesforceConfig>;

/** Record ids: 15 characters, or 18 with a checksum. */
const ID = /^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$/;
/** Candidates of a search by phone that are looked at: the search index finds more than what is meant. */
const MOST_CANDIDATES = 20;

/** Contacts of Salesforce and their accounts. */
export const salesforceCrm: CrmDirectory<SalesforceConfig> = {
  type: 'salesforce',
  title: 'Salesforce',
  config: SalesforceConfig,

  schemes: ({ emailFields, phoneFields, externalIds }) => [
    ...new Set([
      ...(emailFields.length > 0 ? ['email'] : []),
      ...(phoneFields.length > 0 ? ['phone'] : []),
      ...Object.keys(externalIds),
    ]),
  ],

  async lookup(handle, ctx) {
    const found = await find(handle, ctx);
    return found.length === 1 ? toRecord(found[0]!, ctx.config) : null;
  },

  async check(ctx) {
    try {
      await query(ctx, select(fieldsOf(ctx.config), { object: 'Contact', limit: 1 }));
      return { ok: true, detail: 'the login works, and the contacts can be read' };
    } catch (error) {
      if (!(error instanceof ProviderFailure)) throw error;
      const hint = error.providerCode === 'INVALID_TYPE' ? ': the user of the app may not read contacts' : '';
      return { ok: false, detail: `${error.message}${hint}` };
    }
  },
};

function find(handle: Handle, ctx: Context): Promise<readonly Json[]> {
  const { emailFields, externalIds } = ctx.config;
  const external = Object.hasOwn(externalIds, handle.scheme) ? externalIds[handle.scheme] : undefined;
  if (external !== undefined) return byExternalId(external, handle.value, ctx);
  if (handle.scheme === 'phone') return byPhone(handle.value, ctx);
  if (handle.scheme !== 'email' || emailFields.length === 0) return Promise.resolve([]);
  const where = emailFields.map((field) => `${field} = ${literal(handle.value)}`);
  return query(ctx, select(fieldsOf(ctx.config), { object: 'Contact', where, limit: 2 }));
}

/**
 * The search index knows numbers however they are written (REST API, "Parameterized Search", `in: "PHONE"`), and finds too much: only those whose
 * number is the very one count.
 */
async function byPhone(number: string, ctx: Context): Promise<readonly Json[]> {
  const { phoneFields } = ctx.config;
  const digits = nationalNumber(number);
  if (digits === null || phoneFields.length === 0) return [];
  const body = {
    q: digits.replace(/\D/g, ''),
    in: 'PHONE',
    fields: ['Id'],
    sobjects: [{ name: 'Contact' }],
    overallLimit: MOST_CANDIDATES,
  };
  const answer = await call(ctx, '/parameterizedSearch', { method: 'POST', body });
  throwRefusal(answer, ctx.now());
  const found = items(member(readAnswer(answer, ctx.now()), 'searchRecords'));
  const candidates = await byIds(found.map(idOf), ctx);
  return candidates.filter((record) => phoneFields.some((field) => isPhone(text(member(record, field)) ?? '', number)));
}

/** 300 Multiple Choices: the field is not unique, several contacts have the value (REST API, "Status Codes and Error Responses"). */
async function byExternalId(field: string, value: string, ctx: Context): Promise<readonly Json[]> {
  if (/^\.{1,2}$/.test(value)) return [];
  const path = `/sobjects/Contact/${field}/${encodeURIComponent(value)}`;
  const answer = await call(ctx, path, { query: { fields: 'Id' } });
  if (answer.status === 404 || answer.status === 300) return [];
  throwRefusal(answer, ctx.now());
  return byIds([idOf(readAnswer(answer, ctx.now()))], ctx);
}

function byIds(ids: readonly (string | undefined)[], ctx: Context): Promise<readonly Json[]> {
  const known = [...new Set(ids.filter((id) => id !== undefined))].slice(0, MOST_CANDIDATES);
  if (known.length === 0) return Promise.resolve([]);
  const where = [`Id IN (${known.map(literal).join(', ')})`];
  return query(ctx, select(fieldsOf(ctx.config), { object: 'Contact', where, limit: MOST_CANDIDATES }));
}

function idOf(record: Json): string | undefined {
  const id = identifier(member(record, 'Id'));
  return id !== undefined && ID.test(id) ? id : undefined;
}

function fieldsOf({ phoneFields, levelField, productsField, metadata }: SalesforceConfig): string[] {
  const ofAccount = ['Id', 'Name', levelField, productsField].filter((field) => field !== undefined);
  return ['Id', 'Name', ...phoneFields, ...Object.values(metadata), ...ofAccount.map((field) => `Account.${field}`)];
}

function toRecord(contact: Json, config: SalesforceConfig): CrmRecord {
  const id = idOf(contact);
  if (id === undefined) throw new ProviderFailure('reply-unreadable', 'the answer holds a contact without an Id');
  const company = toCompany(member(contact, 'Account'), config);
  return {
    id,
    url: `${config.apiBase}/lightning/r/Contact/${id}/view`,
    name: text(member(contact, 'Name')),
    ...(company && { company }),
    ...further(config.metadata, (field) => member(contact, field)),
  };
}

function toCompany(account: Json | undefined, config: SalesforceConfig): CrmCompany | undefined {
  const id = account === undefined ? undefined : idOf(account);
  if (id === undefined) return undefined;
  const { apiBase, levelField, productsField } = config;
  return {
    id,
    name: text(member(account, 'Name')) ?? id,
    url: `${apiBase}/lightning/r/Account/${id}/view`,
    ...(levelField !== undefined && { level: text(member(account, levelField)) ?? null }),
    ...(productsField !== undefined && { products: texts(member(account, productsField)) }),
  };
}
