import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** What came back over a connection on which bytes were written that no client writes. */
export interface WireAnswer {
  /** 0 where the connection ended without an answer. */
  readonly status: number;
  readonly text: string;
}

export interface WireOptions {
  /** Ends the connection this many milliseconds after the last byte, without waiting for an answer. */
  readonly hangUpAfterMs?: number;
}

/** Writes bytes to the address of a gateway, one chunk after the other as long as it takes them, and reads until an answer or the end. */
export function wire(url: string, chunks: Iterable<string | Buffer>, options: WireOptions = {}): Promise<WireAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    let text = '';
    const over = (): void => {
      socket.destroy();
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text });
    };
    socket.setTimeout(45_000, over);
    socket.on('data', (chunk) => {
      text += chunk.toString();
      if (isWhole(text)) over();
    });
    socket.on('error', () => undefined).on('close', over);
    socket.once('connect', () => {
      void (async () => {
        for (const chunk of chunks) {
          if (socket.destroyed || !socket.writable) return;
          if (!socket.write(chunk))
            await Promise.race([new Promise((done) => socket.once('drain', done)), delay(1_000)]);
        }
        if (options.hangUpAfterMs === undefined) return;
        await delay(options.hangUpAfterMs);
        socket.resetAndDestroy();
      })();
    });
  });
}

function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = Number(/^content-length: (\d+)/im.exec(text.slice(0, end))?.[1] ?? Number.NaN);
  return Number.isNaN(length) ? text.endsWith('0\r\n\r\n') : Buffer.byteLength(text.slice(end + 4)) >= length;
}

/** The head of a POST, with these headers. */
export function postHead(path: string, headers: Record<string, string | number>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${path} HTTP/1.1\r\nhost: gateway\r\n${lines.join('')}\r\n`;
}

export function chunked(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}
