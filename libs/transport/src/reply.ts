import { Transform, type Readable } from 'node:stream';
import { ProviderFailure } from '#normalizer';
import type { HttpRequest, HttpResponse } from './http.js';

/** An answer that was read to its end, or as far as was wanted. */
export class Reply implements HttpResponse {
  constructor(
    readonly status: number,
    readonly headers: Readonly<Record<string, string>>,
    readonly body: Buffer,
  ) {}

  text(): string {
    return this.body.toString('utf8');
  }

  json<T = unknown>(): T {
    try {
      return JSON.parse(this.text()) as T;
    } catch {
      throw new ProviderFailure('reply-unreadable', `the answer (${this.status}) is no JSON`);
    }
  }
}

/** Reads a body into memory, at most `max` bytes of it; drops the connection where there is more. */
export function collect(stream: Readable, max: number): Promise<{ body: Buffer; cut: boolean }> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= max) return;
      stream.destroy();
      resolve({ body: Buffer.concat(chunks).subarray(0, max), cut: true });
    });
    stream.once('end', () => resolve({ body: Buffer.concat(chunks), cut: false }));
    stream.once('error', reject);
    stream.once('close', () => {
      if (!stream.readableEnded) reject(new Error('the connection closed within the answer'));
    });
  });
}

/** Passes on at most `maxBytes` of a stream; at the first byte beyond it fails, or ends where that is wanted (`overflow: 'cut'`). */
export function ceiling(source: Readable, { maxBytes: max = 104_857_600, overflow }: HttpRequest): Transform {
  let size = 0;
  const limited = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const room = max - size;
      size += chunk.length;
      if (size <= max) return done(null, chunk);
      if (overflow !== 'cut') return done(tooLarge(max));
      source.unpipe(limited);
      limited.end();
      done(null, room > 0 ? chunk.subarray(0, room) : undefined);
    },
  });
  return source.pipe(limited);
}

/** What an answer beyond the limit is: `reply-unreadable`, `providerCode` `too-large`. */
export function tooLarge(max: number): ProviderFailure {
  return new ProviderFailure('reply-unreadable', `the answer is larger than ${max} bytes`, {
    providerCode: 'too-large',
  });
}
