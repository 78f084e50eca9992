import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it arrived at the fake provider: every byte of it. */
export interface LoggedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/**
 * What the fake provider does with a request. An object body is sent as JSON. `hang`: reads it and never answers. `reset`: reads it and
 * tears the connection down. `reset-mid-body`: does so after half of the answer. `drip`: sends the answer a byte at a time, for ever.
 */
export type FakeAnswer =
  | 'hang'
  | 'reset'
  | 'reset-mid-body'
  | 'drip'
  | {
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | Buffer | object;
    };

export type Responder = (request: LoggedRequest, index: number) => FakeAnswer | Promise<FakeAnswer>;

/** A provider on loopback that logs every request and answers by a script. */
export interface FakeProvider {
  readonly url: string;
  readonly requests: readonly LoggedRequest[];
  /** Changes what is answered from now on. */
  answer(responder: Responder): void;
  close(): Promise<void>;
}

/** An address at which nobody listens: port 1 is reserved. A port that was just given back may be another test's by now. */
export const NOBODY = 'http://127.0.0.1:1';

/** Starts a fake provider on a free port of 127.0.0.1. */
export async function fakeProvider(responder: Responder = () => ({})): Promise<FakeProvider> {
  const requests: LoggedRequest[] = [];
  let respond = responder;
  const server = createServer((incoming, response) => {
    void logged(incoming).then(
      async (request) => {
        requests.push(request);
        write(await respond(request, requests.length - 1), response);
      },
      () => response.destroy(),
    );
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: (next) => (respond = next),
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

async function logged(incoming: IncomingMessage): Promise<LoggedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const url = new URL(incoming.url ?? '/', 'http://provider');
  const headers = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)] as const);
  return {
    method: incoming.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers: Object.fromEntries(headers),
    body: Buffer.concat(chunks),
  };
}

function write(answer: FakeAnswer, response: ServerResponse): void {
  if (answer === 'hang') return;
  if (answer === 'reset') return void response.socket?.resetAndDestroy();
  if (answer === 'reset-mid-body') {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
    response.write('{"id":"', () => response.socket?.resetAndDestroy());
    return;
  }
  if (answer === 'drip') {
    response.writeHead(200, { 'content-type': 'application/json' });
    const timer = setInterval(() => response.write(' '), 20);
    response.once('close', () => clearInterval(timer));
    return;
  }
  const raw = typeof answer.body === 'string' || Buffer.isBuffer(answer.body);
  response.writeHead(answer.status ?? 200, { ...(!raw && { 'content-type': 'application/json' }), ...answer.headers });
  response.end(raw ? answer.body : JSON.stringify(answer.body ?? {}));
}
