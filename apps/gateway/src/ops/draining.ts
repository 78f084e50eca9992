import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance, onSendHookHandler } from 'fastify';
import type { Readiness } from './readiness.js';

const LOOK_MS = 50;

/**
 * The requests of a process that is about to stop: while it drains, each answer ends its connection, so that whoever keeps one open finds another process
 * with the next request.
 */
export class Traffic {
  private last = 0;

  constructor(server: FastifyInstance, readiness: Pick<Readiness, 'draining'>) {
    const note = (_request: unknown, _reply: unknown, done: () => void) => {
      this.last = performance.now();
      done();
    };
    server.addHook('onRequest', note);
    server.addHook('onResponse', note);
    server.addHook('onSend', (...[, reply, payload, done]: Parameters<onSendHookHandler>) => {
      if (readiness.draining) reply.header('connection', 'close');
      done(null, payload);
    });
  }

  /** Resolves once no request came and none was answered for `forMs`; at the latest after `mostMs`. */
  async quiet(forMs: number, mostMs: number): Promise<void> {
    const began = performance.now();
    const past = (time: number, ms: number) => performance.now() - time >= ms;
    while (!past(Math.max(began, this.last), forMs) && !past(began, mostMs)) await delay(LOOK_MS);
  }
}
