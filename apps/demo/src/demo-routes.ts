import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { GatewayAnswer } from './gateway-client.js';
import type { Helpdesk } from './helpdesk.js';
import { openStream } from './event-stream.js';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  map: 'application/json',
};
const PAGES: Readonly<Record<string, string>> = {
  '/demo': 'index.html',
  '/demo/shop': 'shop.html',
  '/demo/demo.js': 'demo.js',
  '/demo/demo.js.map': 'demo.js.map',
  '/demo/demo.css': 'demo.css',
  '/demo/shop.js': 'shop.js',
  '/demo/shop.js.map': 'shop.js.map',
  '/demo/shop.css': 'shop.css',
};

interface ById {
  Params: { id: string };
}

/** The demo's page and its helpdesk, as routes of their own: bodies arrive as the bytes that were sent. */
export function demoRoutes(helpdesk: Helpdesk) {
  return async (server: FastifyInstance): Promise<void> => {
    server.removeAllContentTypeParsers();
    server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    server.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    for (const [path, file] of Object.entries(PAGES)) server.get(path, (_request, reply) => page(file, reply));
    server.addHook('onRequest', async (request, reply) => {
      if (request.url.startsWith('/demo/helpdesk') && !isOfThisMachine(request.raw)) return refuse(reply);
    });
    server.post('/demo/helpdesk/webhook', (request, reply) => webhook(helpdesk, request, reply));
    server.get('/demo/helpdesk/stream', (request, reply) => openStream(helpdesk.desk, request, reply));
    server.get('/demo/helpdesk/conversations', () => ({ items: helpdesk.desk.conversations() }));
    server.post<ById>('/demo/helpdesk/conversations/:id/messages', (request, reply) =>
      pass(reply, helpdesk.answer(request.params.id, json(request), keyOf(request))),
    );
    server.post<ById>('/demo/helpdesk/conversations/:id/typing', (request, reply) =>
      pass(reply, helpdesk.typing(request.params.id, (json(request) as { on?: boolean }).on !== false)),
    );
    server.patch<ById>('/demo/helpdesk/conversations/:id', (request, reply) =>
      pass(reply, helpdesk.change(request.params.id, json(request))),
    );
    server.post('/demo/helpdesk/files', (request, reply) =>
      pass(reply, helpdesk.gateway.upload(request.headers['content-type'] ?? '', request.body as IncomingMessage)),
    );
  };
}

/**
 * Is the caller on this machine, by a name of this machine? The demo helpdesk asks nobody who they are: a caller from elsewhere, one behind a proxy, and a page
 * of another site whose name was bent to this address are not answered.
 */
export function isOfThisMachine({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): boolean {
  const local = /^(?:127\.|::1$|::ffff:127\.)/.test(socket.remoteAddress ?? '');
  const name = /^(?:127(?:\.\d{1,3}){3}|localhost|\[::1\])(?::\d+)?$/i.test(headers.host ?? '');
  return local && name && headers['x-forwarded-for'] === undefined && headers.forwarded === undefined;
}

function refuse(reply: FastifyReply): FastifyReply {
  const detail = 'The demo helpdesk answers only on the machine that it runs on, because it asks nobody who they are.';
  const problem = { title: 'Only on this machine', status: 403, detail, code: 'forbidden' };
  return reply.status(403).header('content-type', 'application/problem+json').send(JSON.stringify(problem));
}

function webhook(helpdesk: Helpdesk, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const answer = helpdesk.receive(body, headers);
  return reply.status(answer.status).send(answer.body);
}

/** What the gateway answers is what the page gets. */
async function pass(reply: FastifyReply, call: Promise<GatewayAnswer>): Promise<FastifyReply> {
  try {
    const { status, body } = await call;
    if (status === 204) return await reply.status(204).send();
    return await reply.status(status).header('content-type', 'application/json; charset=utf-8').send(body);
  } catch {
    const problem = { title: 'The gateway does not answer', status: 502, detail: 'The gateway does not answer.' };
    return reply.status(502).header('content-type', 'application/problem+json').send(JSON.stringify(problem));
  }
}

function keyOf({ headers }: FastifyRequest): string | undefined {
  return headers['idempotency-key']?.toString();
}

function json(request: FastifyRequest): object {
  try {
    const value: unknown = JSON.parse((request.body as Buffer | undefined)?.toString() || '{}');
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

async function page(file: string, reply: FastifyReply): Promise<FastifyReply> {
  const content = await readFile(join(folder, file)).catch(() => undefined);
  if (!content) return reply.status(404).send({ detail: 'the demo page has not been built: npm run build' });
  const type = TYPES[file.split('.').at(-1)!]!;
  return reply.headers({ 'content-type': type, 'cache-control': 'no-cache' }).send(content);
}

/** The built page, found from here upwards: the same from sources and from the build. */
const folder = join(projectRoot(dirname(fileURLToPath(import.meta.url))), 'dist/apps/demo/page');

function projectRoot(from: string): string {
  return existsSync(join(from, 'package.json')) || from === dirname(from) ? from : projectRoot(dirname(from));
}
