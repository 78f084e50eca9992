import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

export interface WebSocketEvents {
  opened(): void;
  text(text: string): void;
  /** Once, however it ended. */
  ended(): void;
}

/** A WebSocket client of the least cost: thousands of them measure the server, not themselves. Knows short masked frames, text, ping and close. */
export class WebSocketLine {
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  #open = false;

  constructor(
    { port, path, origin }: { readonly port: number; readonly path: string; readonly origin: string },
    private readonly events: WebSocketEvents,
  ) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('connect', () =>
      this.#socket.write(
        `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\norigin: ${origin}\r\nupgrade: websocket\r\nconnection: Upgrade\r\n` +
          `sec-websocket-version: 13\r\nsec-websocket-key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
      ),
    );
    this.#socket.on('data', (chunk) => this.#take(chunk));
    this.#socket.on('error', () => this.#socket.destroy()).once('close', () => events.ended());
  }

  send(text: string): void {
    this.#write(TEXT, Buffer.from(text));
  }

  cut(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#rest = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    if (!this.#open && !this.#greeted()) return;
    for (let frame = this.#frame(); frame; frame = this.#frame()) this.#act(frame);
  }

  #greeted(): boolean {
    const end = this.#rest.indexOf('\r\n\r\n');
    if (end < 0) return false;
    if (!this.#rest.toString('latin1', 0, end).startsWith('HTTP/1.1 101')) {
      this.cut();
      return false;
    }
    this.#rest = this.#rest.subarray(end + 4);
    this.#open = true;
    this.events.opened();
    return true;
  }

  /** A server's frame, which is not masked; undefined while it is not whole. */
  #frame(): { code: number; body: Buffer } | undefined {
    const data = this.#rest;
    if (data.length < 2) return undefined;
    const short = data[1]! & 127;
    const from = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (data.length < from) return undefined;
    const length = short < 126 ? short : short === 126 ? data.readUInt16BE(2) : Number(data.readBigUInt64BE(2));
    if (data.length < from + length) return undefined;
    this.#rest = data.subarray(from + length);
    return { code: data[0]! & 15, body: data.subarray(from, from + length) };
  }

  #act({ code, body }: { code: number; body: Buffer }): void {
    if (code === TEXT) this.events.text(body.toString());
    else if (code === PING) this.#write(PONG, body);
    else if (code === CLOSE) this.#socket.end();
  }

  #write(code: number, body: Buffer): void {
    const mask = randomBytes(4);
    const head =
      body.length < 126
        ? Buffer.from([128 | code, 128 | body.length])
        : Buffer.from([128 | code, 254, body.length >> 8, body.length & 255]);
    const masked = body.map((byte, i) => byte ^ mask[i % 4]!);
    this.#socket.write(Buffer.concat([head, mask, masked]));
  }
}
