import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Headers of one connection only, which say how the offer is to be understood. */
const OFFER = /^(?:upgrade|http2-settings)$/i;
/** Beyond this many headers Node tells only some of them, and the request cannot be repeated as it was. */
const MAX_HEADERS = 1_000;
const LINGER_MS = 500;

/**
 * Gives WebSocket requests for `path` to `take`. Every other `Upgrade` (`h2c` of some HTTP clients, WebSockets elsewhere) is an offer that is left aside,
 * as RFC 9110 section 7.8 allows: the request is answered as if it had not been made. What this returns ends it.
 */
export function takeUpgrades(server: Server, path: string, take: Upgrade): () => void {
  const listener: Upgrade = (request, socket, head) => {
    const broken = () => void socket.destroy();
    socket.on('error', broken);
    const wanted = request.url?.split('?')[0] === path && request.headers.upgrade?.toLowerCase() === 'websocket';
    if (wanted) return take(request, socket, head);
    if (request.rawHeaders.length > 2 * MAX_HEADERS) return refuseUpgrade(socket, '400 Bad Request');
    socket.unshift(Buffer.concat([Buffer.from(withoutOffer(request), 'latin1'), head]));
    server.emit('connection', socket);
    socket.off('error', broken);
  };
  server.on('upgrade', listener);
  return () => server.off('upgrade', listener);
}

/** Answers an upgrade request with a status line (`429 Too Many Requests`) and hangs up, whatever the other end does. */
export function refuseUpgrade(socket: Duplex, status: string, headers: Record<string, string | number> = {}): void {
  const lines = Object.entries({ ...headers, Connection: 'close', 'Content-Length': 0 }).map(([n, v]) => `${n}: ${v}`);
  socket.end(`HTTP/1.1 ${status}\r\n${lines.join('\r\n')}\r\n\r\n`);
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

/** The head of the request as it would be without its offer. */
function withoutOffer({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    let value = rawHeaders[i + 1]!;
    if (OFFER.test(name)) continue;
    if (/^connection$/i.test(name)) {
      value = value.split(',').filter((option) => !OFFER.test(option.trim())).join(','); // prettier-ignore
      if (value.trim() === '') continue;
    }
    lines.push(`${name}: ${value}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}
