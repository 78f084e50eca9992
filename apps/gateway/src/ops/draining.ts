import type { FastifyInstance } from 'fastify';
import type { Readiness } from './readiness.js';

/** While the process drains, each answer ends its connection: whoever keeps one open finds another process with the next request. */
export function closeWhileDraining(server: FastifyInstance, readiness: Pick<Readiness, 'draining'>): void {
  server.addHook('onSend', async (_request, reply, payload) => {
    if (readiness.draining) reply.header('connection', 'close');
    return payload;
  });
}
