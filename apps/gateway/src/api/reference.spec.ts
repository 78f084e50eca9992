import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EVENT_TYPES, jsonSchemas } from '#normalizer';
import { describeOnEmbedded } from '#database/testing';
import { Parser } from '@asyncapi/parser';
import { z } from 'zod';
import { ENDPOINTS } from './controllers.js';
import { PROBLEMS } from './core/problem.js';
import { referenceDocuments } from './reference/documents.js';
import { EXAMPLES } from './reference/examples.js';
import type { JsonObject } from './reference/json.js';
import { operationId } from './reference/openapi.js';
import { Stage } from './testing/stage.js';
import { STORE } from './testing/store.js';

const documents = referenceDocuments();
const openapi = documents['openapi.json'] as unknown as {
  openapi: string;
  paths: Record<
    string,
    Record<
      string,
      { operationId: string; security: { key: string[] }[]; parameters: JsonObject[]; responses: JsonObject }
    >
  >;
  components: { schemas: Record<string, JsonObject> };
};

/** Every `$ref` of a document. */
function refs(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    key === '$ref' && typeof item === 'string' ? [item] : refs(item),
  );
}

function follow(document: unknown, ref: string): unknown {
  return ref.slice(2).split('/').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document); // prettier-ignore
}

describe('the OpenAPI document', () => {
  it('lists every call with its scope, its path parameters, and names of its own', () => {
    expect(openapi.openapi).toBe('3.1.0');
    for (const spec of ENDPOINTS) {
      const operation = openapi.paths[spec.path]?.[spec.method.toLowerCase()];
      expect(operation?.security).toEqual([{ key: [spec.scope] }]);
      const inPath = operation?.parameters.filter((parameter) => parameter['in'] === 'path').map(({ name }) => name);
      expect(inPath).toEqual([...spec.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
      expect(Object.keys(operation?.responses ?? {})).toEqual(
        expect.arrayContaining([String(spec.status), '401', '403', '429', '500', '503']),
      );
    }
    const ids = ENDPOINTS.map(operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain('postDestinationsByIdRotateSecret');
  });

  it('lists the calls of the contract', () => {
    const listed = ENDPOINTS.map(({ method, path }) => `${method} ${path}`);
    const contract = [
      'POST /v1/conversations/{id}/messages', 'GET /v1/conversations/{id}/sendability', 'GET /v1/conversations', 'GET /v1/conversations/{id}', 'PATCH /v1/conversations/{id}',
      'GET /v1/conversations/{id}/messages', 'POST /v1/conversations/{id}/typing', 'DELETE /v1/messages/{id}', 'POST /v1/files', 'POST /v1/messages', 'GET /v1/messages/{id}',
      'GET /v1/messages/{id}/trace', 'GET /v1/contacts', 'POST /v1/contacts', 'PATCH /v1/contacts/{id}', 'POST /v1/contacts/{id}/handles', 'DELETE /v1/contacts/{id}/handles/{handle}',
      'GET /v1/conflicts', 'GET /v1/companies', 'POST /v1/companies', 'PATCH /v1/companies/{id}', 'GET /v1/accounts', 'POST /v1/accounts', 'PATCH /v1/accounts/{id}',
      'DELETE /v1/accounts/{id}', 'POST /v1/accounts/{id}/check', 'GET /v1/channels', 'GET /v1/destinations', 'POST /v1/destinations', 'GET /v1/destinations/{id}',
      'PATCH /v1/destinations/{id}', 'DELETE /v1/destinations/{id}', 'POST /v1/destinations/{id}/check', 'POST /v1/destinations/{id}/pause', 'POST /v1/destinations/{id}/resume',
      'POST /v1/destinations/{id}/rotate-secret', 'GET /v1/destinations/{id}/deliveries', 'POST /v1/destinations/{id}/replay', 'GET /v1/events', 'GET /v1/keys', 'POST /v1/keys',
      'DELETE /v1/keys/{id}',
    ]; // prettier-ignore
    expect(listed).toEqual(expect.arrayContaining(contract));
  });

  it('refers only to what it has, and every POST takes an Idempotency-Key', () => {
    const dangling = refs(openapi).filter((ref) => follow(openapi, ref) === undefined);
    expect(dangling).toEqual([]);
    for (const methods of Object.values(openapi.paths)) {
      const { post } = methods;
      if (post) expect(post.parameters.map(({ name }) => name)).toContain('Idempotency-Key');
    }
  });

  it('is made of schemas that are valid and examples that fit them', () => {
    for (const [name, example] of Object.entries(EXAMPLES)) {
      const schema = openapi.components.schemas[name];
      expect([name, schema?.['examples']]).toEqual([name, [example]]);
      const whole = {
        ...resolved(schema),
        $defs: Object.fromEntries(Object.entries(openapi.components.schemas).map(([k, v]) => [k, resolved(v)])),
      };
      const result = z.fromJSONSchema(whole as Parameters<typeof z.fromJSONSchema>[0]).safeParse(example);
      expect([name, result.error?.issues]).toEqual([name, undefined]);
    }
    for (const spec of ENDPOINTS) {
      if (spec.examples?.body !== undefined)
        expect([spec.path, spec.body?.safeParse(spec.examples.body).success]).toEqual([spec.path, true]);
    }
  });
});

/** A component as a JSON Schema of its own: its references lead to `$defs`. */
function resolved(schema: unknown): JsonObject {
  return JSON.parse(JSON.stringify(schema).replaceAll('#/components/schemas/', '#/$defs/')) as JsonObject;
}

describe('the AsyncAPI document', () => {
  it('is valid for the parser of the specification', async () => {
    const { diagnostics, document } = await new Parser().parse(JSON.stringify(documents['asyncapi.json']));
    expect(diagnostics.filter(({ severity }) => severity === 0).map(({ message, path }) => [message, path])).toEqual(
      [],
    );
    const types = document
      ?.messages()
      .all()
      .map((message) => message.name());
    expect([...new Set(types)].sort()).toEqual([...EVENT_TYPES].sort());
  });
});

describeOnEmbedded('the reference over HTTP', (open) => {
  let api: Stage;
  beforeAll(async () => {
    api = await new Stage(await open(STORE)).open();
  });
  afterAll(() => api.close());

  it('is open to everybody', async () => {
    const get = (path: string) => api.get(path, { key: null });
    expect((await get('/openapi.json')).body).toEqual(openapi);
    expect((await get('/asyncapi.json')).body).toEqual(documents['asyncapi.json']);
    const index = (await get('/schemas/')).body.items as { name: string; url: string }[];
    expect(index.map(({ name }) => name)).toEqual([...Object.keys(jsonSchemas()), 'ContactExport']);
    for (const { url } of index) {
      const schema = await get(url);
      expect([schema.status, schema.headers.get('content-type')]).toEqual([
        200,
        expect.stringContaining('application/schema+json'),
      ]);
    }
    expect((await get('/schemas/none.json')).body.code).toBe('not-found');
  });

  it('has a page that loads nothing from elsewhere and shows every call and code', async () => {
    const { headers, body } = await api.get('/docs', { key: null });
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(body).not.toMatch(/(src|href)="(https?:)?\/\//);
    for (const spec of ENDPOINTS) expect(body).toContain(`<article id="${operationId(spec)}"`);
    for (const code of Object.keys(PROBLEMS)) expect(body).toContain(`<tr id="${code}">`);
  });
});
