import type { IncomingMessage } from 'node:http';
import type { Claim } from '../ops/body-room.js';

/** The body is larger than is taken here. Nothing beyond the limit was read. */
export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge';
}

/** The sender hung up, or was too slow, before the body was complete. */
export class BodyIncomplete extends Error {
  override readonly name = 'BodyIncomplete';
}

/** There is no room in memory for the rest of the body. */
export class BodyUnroomed extends Error {
  override readonly name = 'BodyUnroomed';
}

export interface ReadBodyOptions {
  readonly maxBytes: number;
  readonly timeoutMs: number;
  /** Where the bytes are counted. */
  readonly claim: Claim;
}

/**
 * Reads a body whole, whatever its type, up to `maxBytes`; more is `BodyTooLarge` at once, also where Content-Length is absent or lies.
 * A body that is not complete within `timeoutMs`, or at all, is `BodyIncomplete`, one for which `claim` has no room `BodyUnroomed`.
 */
export function readBody(request: IncomingMessage, { maxBytes, timeoutMs, claim }: ReadBodyOptions): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return Promise.reject(new BodyTooLarge());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const over = (act: () => void) => {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('close', onGone).off('error', onGone);
      act();
    };
    const onData = (chunk: Buffer) => {
      bytes += chunk.length;
      const fits = bytes <= maxBytes;
      if (fits && claim.take(chunk.length)) return void chunks.push(chunk);
      request.pause();
      over(() => reject(fits ? new BodyUnroomed() : new BodyTooLarge()));
    };
    const onEnd = () => over(() => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes)));
    const onGone = () => over(() => reject(new BodyIncomplete()));
    const timer = setTimeout(onGone, timeoutMs).unref();
    request.on('data', onData).on('end', onEnd).on('close', onGone).on('error', onGone);
  });
}
