import type { RawRequest, ReplyToProvider } from '#transport';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { BodyRoom } from '../ops/body-room.js';
import { FAILED, NO_ROOM, TOO_LARGE, TOO_SLOW } from './answers.js';
import { BodyIncomplete, BodyTooLarge, BodyUnroomed, readBody } from './read-body.js';

/** How a request to one endpoint goes on, once it is known whose it is. */
export interface Opened {
  readonly maxBytes: number;
  /** `refused` hears of a body that was not taken, and why. */
  readonly refused?: (reason: 'too-large' | 'incomplete' | 'overloaded') => void;
  /** Must not throw. */
  handle(request: RawRequest): Promise<ReplyToProvider>;
}

/** Says, without its body, who a request is for; an answer ends it at once. `path` is split at `/`, still percent-encoded. */
export type Opener = (request: {
  method: string;
  path: readonly string[];
  remoteAddress: string;
}) => Opened | ReplyToProvider;

const BODY_MS = 20_000;
/** How long a sender of too much may take to read the answer before the connection is cut. */
const LINGER_MS = 500;

/**
 * Routes GET and POST below `prefix` to `open`, beside the framework's parsers: the body arrives as the bytes that were sent, whatever type they claim to
 * be, and never beyond the limit of the one it is for.
 */
export function routeEndpoint(
  server: FastifyInstance,
  prefix: string,
  { open, room }: { readonly open: Opener; readonly room: BodyRoom },
): void {
  const onRequest = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { pathname, search } = split(request.raw.url ?? '/');
    const path = pathname.slice(prefix.length + 1).split('/');
    const opened = open({ method: request.method, path, remoteAddress: request.ip });
    if (!('handle' in opened)) return answer(reply, opened);
    const claim = room.claim(request.ip);
    reply.raw.once('close', () => claim.release());
    try {
      const body = await readBody(request.raw, { maxBytes: opened.maxBytes, timeoutMs: BODY_MS, claim });
      return answer(reply, await opened.handle(rawRequest(request, { path, search, body })));
    } catch (error) {
      return refuse(reply, opened, error);
    }
  };
  for (const url of [`${prefix}/:id`, `${prefix}/:id/*`]) {
    server.route({ method: ['GET', 'POST'], url, exposeHeadRoute: false, onRequest, handler: () => undefined });
  }
}

function refuse(reply: FastifyReply, opened: Opened, error: unknown): FastifyReply {
  if (error instanceof BodyTooLarge) {
    opened.refused?.('too-large');
    return cutAfter(answer(reply, TOO_LARGE));
  }
  if (error instanceof BodyUnroomed) {
    opened.refused?.('overloaded');
    return cutAfter(answer(reply, NO_ROOM));
  }
  if (error instanceof BodyIncomplete) {
    opened.refused?.('incomplete');
    return cutAfter(answer(reply, TOO_SLOW));
  }
  reply.log.error({ err: error, requestId: reply.request.id }, 'an endpoint failed');
  return answer(reply, FAILED);
}

/** The rest of the request is not read: the connection cannot be used again. */
function cutAfter(reply: FastifyReply): FastifyReply {
  const { socket } = reply.request.raw;
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
  return reply;
}

function answer(reply: FastifyReply, { status, headers = {}, body = '' }: ReplyToProvider): FastifyReply {
  if (reply.raw.destroyed) return reply.hijack();
  return reply.status(status).headers(headers).send(body);
}

function split(url: string): { pathname: string; search: string } {
  const at = url.indexOf('?');
  return at < 0 ? { pathname: url, search: '' } : { pathname: url.slice(0, at), search: url.slice(at + 1) };
}

function rawRequest(
  request: FastifyRequest,
  { path, search, body }: { path: readonly string[]; search: string; body: Buffer },
): RawRequest {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return {
    method: request.method as RawRequest['method'],
    subPath: path.slice(1).join('/'),
    query: new URLSearchParams(search),
    search,
    headers,
    body,
    remoteAddress: request.ip,
  };
}
