import { emailAddress, isPhone, nationalNumber, ProviderFailure, type Handle } from '#normalizer';
import type { HttpRequest } from '#transport';
import { further, identifier, items, member, readAnswer, text, texts, type Json } from '../answer.js';
import type { CrmCompany, CrmContext, CrmDirectory, CrmRecord } from '../crm-directory.js';
import { HubspotConfig } from './hubspot.config.js';

type Context = CrmContext<HubspotConfig>;

/** Properties in which HubSpot keeps numbers: as typed, and as it reads them by the contact's country. */
const PHONES = ['phone', 'mobilephone', 'hs_calculated_phone_number', 'hs_calculated_mobile_number'];
const EMAILS = ['email', 'hs_additional_emails'];
/** Candidates of a search that are looked at. */
const MOST_CANDIDATES = 100;

/** Contacts of HubSpot and their primary companies. */
export const hubspotCrm: CrmDirectory<HubspotConfig> = {
  type: 'hubspot',
  title: 'HubSpot',
  config: HubspotConfig,
  schemes: ({ externalIds }) => [...new Set(['email', 'phone', ...Object.keys(externalIds)])],

  async lookup(handle, ctx) {
    const groups = filterGroups(handle, ctx.config);
    if (groups.length === 0) return null;
    const body = { filterGroups: groups, properties: propertiesOf(ctx.config), limit: MOST_CANDIDATES };
    const answer = await ask(ctx, { method: 'POST', path: '/crm/v3/objects/contacts/search', body });
    const matches = items(member(answer ?? null, 'results')).filter((contact) => isMeant(contact, handle, ctx.config));
    return matches.length === 1 ? toRecord(matches[0]!, ctx) : null;
  },

  async check(ctx) {
    try {
      await ask(ctx, { path: '/crm/v3/objects/contacts', query: { limit: '1' } });
      await ask(ctx, { path: '/crm/v3/objects/companies', query: { limit: '1' } });
      return { ok: true, detail: 'the token works, and contacts and companies can be read' };
    } catch (error) {
      if (!(error instanceof ProviderFailure)) throw error;
      const hint = error.code === 'unauthorized' ? ': check the token, and that its private app has the scopes crm.objects.contacts.read and crm.objects.companies.read' : ''; // prettier-ignore
      return { ok: false, detail: `${error.message}${hint}` };
    }
  },
};

/**
 * Filter groups, any of which may match. Values are plain JSON, so there is nothing to escape. HubSpot keeps numbers for searching as they are dialled
 * at home, so that a search finds too much; the very number is told afterwards.
 */
function filterGroups({ scheme, value }: Handle, { externalIds }: HubspotConfig): object[] {
  const group = (propertyName: string, operator: 'EQ' | 'CONTAINS_TOKEN', wanted: string) => ({
    filters: [{ propertyName, operator, value: wanted }],
  });
  if (Object.hasOwn(externalIds, scheme)) return [group(externalIds[scheme]!, 'EQ', value)];
  if (scheme === 'email') return [group('email', 'EQ', value), group('hs_additional_emails', 'CONTAINS_TOKEN', value)];
  const digits = scheme === 'phone' ? nationalNumber(value) : null;
  if (digits === null) return [];
  return [
    group('phone', 'EQ', value),
    group('mobilephone', 'EQ', value),
    group('hs_searchable_calculated_phone_number', 'EQ', digits),
    group('hs_searchable_calculated_mobile_number', 'EQ', digits),
  ];
}

/** A search is tokens and wildcards: does the contact really have what was asked for? */
function isMeant(contact: Json, { scheme, value }: Handle, { externalIds }: HubspotConfig): boolean {
  const held = (names: readonly string[]) => names.flatMap((name) => texts(property(contact, name)));
  if (Object.hasOwn(externalIds, scheme)) return text(property(contact, externalIds[scheme]!)) === value;
  return scheme === 'email'
    ? held(EMAILS).some((address) => emailAddress(address) === value)
    : held(PHONES).some((number) => isPhone(number, value));
}

async function toRecord(contact: Json, ctx: Context): Promise<CrmRecord> {
  const id = identifier(member(contact, 'id'));
  if (id === undefined) throw new ProviderFailure('reply-unreadable', 'the answer holds a contact without an id');
  const { metadata, appBase, portalId } = ctx.config;
  const company = await companyOf(contact, id, ctx);
  const name = ['firstname', 'lastname'].flatMap((part) => text(property(contact, part)) ?? []).join(' ');
  return {
    id,
    url: portalId === undefined ? null : `${appBase}/contacts/${portalId}/record/0-1/${encodeURIComponent(id)}`,
    ...(name !== '' && { name }),
    ...(company && { company }),
    ...further(metadata, (source) => property(contact, source)),
  };
}

/** The primary company, which `associatedcompanyid` names; without one, the only company that is associated. Of several none is taken. */
async function companyOf(contact: Json, contactId: string, ctx: Context): Promise<CrmCompany | undefined> {
  const id = identifier(property(contact, 'associatedcompanyid')) ?? (await onlyAssociated(contactId, ctx));
  if (id === undefined || !/^\d+$/.test(id)) return undefined;
  const { levelProperty, productsProperty, appBase, portalId } = ctx.config;
  const properties = ['name', levelProperty, productsProperty].filter((name) => name !== undefined).join(',');
  const company = await ask(ctx, { path: `/crm/v3/objects/companies/${id}`, query: { properties } });
  if (company === null) return undefined;
  return {
    id,
    name: text(property(company, 'name')) ?? id,
    ...(portalId !== undefined && { url: `${appBase}/contacts/${portalId}/record/0-2/${id}` }),
    ...(levelProperty !== undefined && { level: text(property(company, levelProperty)) ?? null }),
    ...(productsProperty !== undefined && { products: texts(property(company, productsProperty)) }),
  };
}

async function onlyAssociated(contactId: string, ctx: Context): Promise<string | undefined> {
  const path = `/crm/v3/objects/contacts/${encodeURIComponent(contactId)}/associations/companies`;
  const answer = await ask(ctx, { path });
  const ids = new Set(items(member(answer ?? null, 'results')).map((entry) => identifier(member(entry, 'id'))));
  return ids.size === 1 ? [...ids][0] : undefined;
}

/** Null where there is no such thing. A 429 carries `Retry-After`, or not: the gateway waits either way. Throws `ProviderFailure`. */
async function ask(
  { config, http, signal, now }: Context,
  { path, ...request }: Omit<HttpRequest, 'url'> & { path: string },
): Promise<Json> {
  const headers = { authorization: `Bearer ${config.token}`, accept: 'application/json' };
  const answer = await http.request({ ...request, url: `${config.apiBase}${path}`, headers, signal });
  return answer.status === 404 ? null : readAnswer(answer, now());
}

function property(object: Json, name: string): Json | undefined {
  return member(member(object, 'properties'), name);
}

function propertiesOf({ externalIds, metadata }: HubspotConfig): string[] {
  const named = [...Object.values(externalIds), ...Object.values(metadata)];
  return [...new Set(['firstname', 'lastname', 'associatedcompanyid', ...EMAILS, ...PHONES, ...named])];
}
