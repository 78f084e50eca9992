import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Desk, Received } from './desk.js';

const BEAT_MS = 15_000;
const MAX_BUFFERED = 4_194_304;

/** Server-Sent Events: everything held, then everything that comes. A page that does not read is cut off; it comes back by itself. */
export function openStream(desk: Desk, _request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { raw } = reply.hijack();
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    'x-content-type-options': 'nosniff',
  });
  const send = (received: Received) => {
    raw.write(`event: stream\nid: ${received.event.id}\ndata: ${JSON.stringify(received)}\n\n`);
    if (raw.writableLength > MAX_BUFFERED) raw.destroy();
  };
  raw.write('retry: 1000\n\n');
  for (const received of desk.events()) send(received);
  const stop = desk.listen(send, () => raw.end());
  const beat = setInterval(() => raw.write(': alive\n\n'), BEAT_MS).unref();
  raw.once('close', () => {
    clearInterval(beat);
    stop();
  });
  raw.on('error', () => raw.destroy());
  return reply;
}
