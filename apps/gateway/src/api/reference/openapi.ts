import { IDEMPOTENCY } from '#conversations';
import type { z } from 'zod';
import type { Endpoint } from '../core/endpoint.js';
import { Problem, PROBLEMS, type ProblemCode } from '../core/problem.js';
import type { Json, JsonObject } from './json.js';
import { SchemaBook } from './schema-book.js';

const DESCRIPTION = `Customers write by chat, mail, SMS or WeChat; a ticket system sees one conversation model and answers in it.

- **Answers** are the resource itself. **Errors** are RFC 9457 problem documents; programs branch on \`code\`.
- **Lists** are \`{ items, next }\`: give \`next\` as \`cursor\` until it is null.
- **Idempotency**: every POST takes \`Idempotency-Key\`, kept ${IDEMPOTENCY.keptDays} days. The same key and body get the same answer; another body is refused. While the first request runs, a repetition waits for it, ${IDEMPOTENCY.waitS} s at most (then 409 \`in-flight\`); where the process of the first one died, the repetition does the work.
- **Secrets** read as \`"***"\`; sending that back keeps them.
- **Keys** that are limited to accounts see nothing of other accounts: it does not exist for them.`;

/** The OpenAPI 3.1 document of these endpoints. */
export function openApi(endpoints: readonly Endpoint[], version: string): JsonObject {
  const book = new SchemaBook();
  const problem = book.use(Problem, 'output');
  const answers = new Map(endpoints.map((spec) => [spec, spec.answer && book.use(spec.answer, 'output')]));
  const paths: Record<string, JsonObject> = {};
  const responses: Record<string, JsonObject> = {};
  for (const spec of endpoints) {
    (paths[spec.path] ??= {})[spec.method.toLowerCase()] = operation(spec, {
      book,
      problem,
      answer: answers.get(spec),
      responses,
    });
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tributary',
      version,
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ key: [] }],
    tags: [...new Set(endpoints.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'An API key of `POST /v1/keys`, or the admin key.' },
      },
      responses: byName(responses),
      schemas: byName(book.schemas),
    },
  };
}

function byName(items: Readonly<Record<string, JsonObject>>): JsonObject {
  return Object.fromEntries(Object.entries(items).sort(([a], [b]) => (a < b ? -1 : 1)));
}

interface Context {
  readonly book: SchemaBook;
  readonly problem: JsonObject;
  readonly answer: JsonObject | undefined;
  readonly responses: Record<string, JsonObject>;
}

function operation(spec: Endpoint, context: Context): JsonObject {
  const { book, answer } = context;
  const body = requestBody(spec, book);
  return {
    operationId: operationId(spec),
    tags: [spec.tag],
    summary: spec.summary,
    description: [spec.description, `Scope: \`${spec.scope}\`.`].filter(Boolean).join('\n\n'),
    security: [{ key: [spec.scope] }],
    parameters: [
      ...parameters(book, spec.params, 'path'),
      ...parameters(book, spec.query, 'query'),
      ...(spec.method === 'POST' ? [IDEMPOTENCY_KEY] : []),
    ],
    ...(body && { requestBody: body }),
    responses: { ...success(spec, answer), ...refusals(spec, context) },
  };
}

const IDEMPOTENCY_KEY: JsonObject = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'Any text that is new for a new request; repeat it to repeat the request without doing it twice.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
};

function parameters(book: SchemaBook, shape: z.ZodObject | undefined, place: 'path' | 'query'): JsonObject[] {
  return Object.entries((shape?.shape ?? {}) as Record<string, z.ZodType>).map(([name, schema]) => {
    const { description, ...rest } = book.use(schema, 'input');
    const required = place === 'path' || !schema.safeParse(undefined).success;
    return { name, in: place, required, ...(description !== undefined && { description }), schema: rest };
  });
}

function requestBody(spec: Endpoint, book: SchemaBook): JsonObject | undefined {
  if (spec.upload) {
    const file = { type: 'string', contentMediaType: 'application/octet-stream' };
    const schema = { type: 'object', properties: { file }, required: ['file'] };
    const { types = [], json } = spec.upload === true ? {} : spec.upload;
    const streams = Object.fromEntries(types.map((type) => [type, { schema: { type: 'string' } }]));
    const lists = json && { 'application/json': { schema: book.use(json, 'input') } };
    return { required: true, content: { 'multipart/form-data': { schema }, ...streams, ...lists } };
  }
  if (!spec.body) return undefined;
  const example = spec.examples?.body as Json | undefined;
  const content = { schema: book.use(spec.body, 'input'), ...(example !== undefined && { example }) };
  return { required: !spec.bodyOptional, content: { 'application/json': content } };
}

function success(spec: Endpoint, schema: JsonObject | undefined): JsonObject {
  const description = { 200: 'Done', 201: 'Made', 202: 'Queued', 204: 'Done; no body' }[spec.status];
  const example = spec.examples?.answer as Json | undefined;
  const content = schema && { 'application/json': { schema, ...(example !== undefined && { example }) } };
  return { [spec.status]: { description, ...(content && { content }) } };
}

/** Every code that the call can be refused with. */
export function problemsOf(spec: Endpoint): ProblemCode[] {
  const reads = spec.body !== undefined || Boolean(spec.upload);
  return [
    ...(reads ? (['malformed', 'too-large', 'unsupported-media-type'] as const) : []),
    'unauthenticated',
    'forbidden',
    ...(spec.params || spec.body ? (['not-found'] as const) : []),
    ...(spec.method === 'POST' ? (['in-flight', 'idempotency-mismatch'] as const) : []),
    ...(reads || spec.query ? (['invalid'] as const) : []),
    ...(spec.problems ?? []),
    'rate-limited',
    'internal',
    'unavailable',
  ];
}

/** The refusals of a call by status; each set of codes stands once among the document's responses. */
function refusals(spec: Endpoint, { problem, responses }: Context): JsonObject {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of problemsOf(spec)) {
    const [status] = PROBLEMS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => {
      const name = `${status}.${codes.join('.')}`;
      responses[name] ??= refusal(status, codes, problem);
      return [String(status), { $ref: `#/components/responses/${name}` }];
    }),
  );
}

function refusal(status: number, codes: readonly ProblemCode[], schema: JsonObject): JsonObject {
  const examples = Object.fromEntries(codes.map((code) => [code, { value: exampleOf(code) }]));
  return {
    description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code][1]}`).join('; '),
    ...((status === 429 || status === 503) && { headers: RETRY_AFTER }),
    content: { 'application/problem+json': { schema, examples } },
  };
}

const RETRY_AFTER: JsonObject = { 'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer' } } };

function exampleOf(code: ProblemCode): JsonObject {
  const [status, title] = PROBLEMS[code];
  const errors =
    code === 'invalid'
      ? { errors: [{ path: 'parts.0.text', message: 'Too small: expected string to have >=1 characters' }] }
      : {};
  return { type: `/docs#${code}`, title, status, detail: title, code, ...errors };
}

/** `POST /v1/destinations/{id}/rotate-secret` is `postDestinationsByIdRotateSecret`. */
export function operationId({ method, path }: Pick<Endpoint, 'method' | 'path'>): string {
  const words = path
    .replace(/^\/v1\//, '')
    .split(/[/-]/)
    .map((word) => word.replace(/^\{(.+)\}$/, 'by $1'));
  const capital = words.flatMap((word) => word.split(' ')).map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return method.toLowerCase() + capital.join('');
}
