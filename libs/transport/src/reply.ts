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

/** Reads an answer into memory, at most `maxBytes` of it; drops the connection where there is more. */
export function collect(stream: Readable, request: HttpRequest): Promise<Buffer> {
  const max = request.maxBytes ?? 1_048_576;
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= max) return;
      stream.destroy();
      if (request.overflow === 'cut') resolve(Buffer.concat(chunks).subarray(0, max));
      else reject(tooLarge(max));
    });
    stream.once('end', () => resolve(Buffer.concat(chunks)));
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

function tooLarge(max: number): ProviderFailure {
  return new ProviderFailure('reply-unreadable', `the answer is larger than ${max} bytes`);
}
