import { newId, ProviderFailure, type Handle } from '#normalizer';
import { webhookHeaders, type HttpRequest } from '#transport';
import { at, further, identifier, items, link, readAnswer, small, text, texts, type Json } from '../answer.js';
import type { CrmCompany, CrmContext, CrmDirectory, CrmRecord } from '../crm-directory.js';
import { HttpCrmConfig } from './http.config.js';
import { fillJson, fillPath, fillRecord, Unfit } from './template.js';

/** Any system that answers HTTP with JSON: what is asked and where the answer stands is told in the settings. */
export const httpCrm: CrmDirectory<HttpCrmConfig> = {
  type: 'http',
  title: 'HTTP lookup',
  config: HttpCrmConfig,
  schemes: ({ handles }) => handles,

  async lookup(handle, ctx) {
    const request = fill(ctx, handle);
    if (!request) return null;
    const response = await ctx.http.request({ ...request, signal: ctx.signal });
    if (response.status === 404) return null;
    const answer = readAnswer(response, ctx.now());
    const matches = matchesIn(answer, ctx.config);
    return matches.length === 1 ? toRecord(matches[0]!, ctx.config) : null;
  },

  async check(ctx) {
    const handle = { scheme: ctx.config.handles[0]!, scope: '', value: 'nobody', proof: 'channel' } as const;
    try {
      await httpCrm.lookup(handle, ctx);
      return { ok: true, detail: 'it answers, and takes the credentials' };
    } catch (error) {
      if (!(error instanceof ProviderFailure)) throw error;
      const refused = error.code === 'unauthorized' ? ': check `crm.config.auth`' : '';
      return { ok: false, detail: `${error.message}${refused}` };
    }
  },
};

/** The request for a handle; null where the handle does not fit into it. */
function fill({ config, now }: CrmContext<HttpCrmConfig>, handle: Handle): HttpRequest | null {
  try {
    const url = new URL(fillPath(config.url, handle));
    for (const [name, value] of Object.entries(fillRecord(config.query, handle))) url.searchParams.set(name, value);
    const body = config.body === undefined ? undefined : JSON.stringify(fillJson(config.body, handle));
    const headers = {
      accept: 'application/json',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...fillHeaders(config.headers, handle),
    };
    const request = { method: config.method, url: url.href, ...(body !== undefined && { body }) };
    return { ...request, headers: { ...headers, ...authorization(config, request, now()) } };
  } catch (error) {
    if (error instanceof Unfit) return null;
    throw error;
  }
}

/** No header holds anything but printable ASCII, so what else a value has is percent-encoded. */
function fillHeaders(templates: Readonly<Record<string, string>>, handle: Handle): Record<string, string> {
  const filled = Object.entries(fillRecord(templates, handle));
  return Object.fromEntries(
    filled.map(([name, value]) => [name, /^[\x20-\x7e]*$/.test(value) ? value : encodeURIComponent(value)]),
  );
}

function authorization(
  { auth }: HttpCrmConfig,
  { method, url, body = '' }: { method: string; url: string; body?: string },
  nowMs: number,
): Record<string, string> {
  switch (auth.type) {
    case 'none':
      return {};
    case 'bearer':
      return { authorization: `Bearer ${auth.token}` };
    case 'basic':
      return { authorization: `Basic ${Buffer.from(`${auth.user}:${auth.password}`).toString('base64')}` };
    case 'header':
      return { [auth.name]: auth.value };
    case 'hmac': {
      const { pathname, search } = new URL(url);
      const signed = `${method} ${pathname}${search}\n${body}`;
      return webhookHeaders([auth.secret], { id: newId('req'), timestamp: Math.floor(nowMs / 1_000), body: signed });
    }
  }
}

function matchesIn(answer: Json, { list }: HttpCrmConfig): readonly Json[] {
  const place = list === undefined ? answer : at(answer, list);
  if (Array.isArray(place)) return items(place);
  if (list === undefined) return [answer];
  throw new ProviderFailure('reply-unreadable', `the answer has no list at ${list}: check \`crm.config.list\``);
}

function toRecord(match: Json, { fields, link: template }: HttpCrmConfig): CrmRecord | null {
  const id = identifier(at(match, fields.id));
  if (id === undefined) return null;
  const company = toCompany(match, fields.company);
  return {
    id,
    url: link(at(match, fields.url)) ?? link(template?.replace('{id}', () => encodeURIComponent(id))),
    name: text(at(match, fields.name)),
    ...(company && { company }),
    ...(fields.products !== undefined && { products: texts(at(match, fields.products)) }),
    ...further(fields.metadata, (path) => at(match, path)),
  };
}

function toCompany(match: Json, fields: HttpCrmConfig['fields']['company']): CrmCompany | undefined {
  const id = identifier(at(match, fields.id));
  if (id === undefined) return undefined;
  return {
    id,
    name: text(at(match, fields.name)) ?? id,
    ...(fields.level !== undefined && { level: text(at(match, fields.level)) ?? null }),
    ...(fields.products !== undefined && { products: texts(at(match, fields.products)) }),
    ...(fields.contracts !== undefined && {
      contracts: items(at(match, fields.contracts))
        .slice(0, 20)
        .filter((item) => small(item) !== undefined),
    }),
    ...(fields.url !== undefined && { url: link(at(match, fields.url)) }),
  };
}
