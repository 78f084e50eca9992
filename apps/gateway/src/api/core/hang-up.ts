import type { Reply } from './endpoint.js';

/** Aborts when the connection closes before the answer is written. */
export function hangUpSignal(reply: Reply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}
