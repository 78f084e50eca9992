import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import axios from 'axios';
import type { buildConnector } from 'undici';
import { flatHeaders, type Answer, type Call, type Engine } from './engine.js';
import { collect } from './reply.js';

type Connected = (error: Error | null, socket?: Socket) => void;

/** Idle sockets are dropped before servers' customary 5 s, so that a request seldom meets one that is just being closed. */
const POOL = { keepAlive: true, timeout: 4_000, maxSockets: 256 };

/** Makes an agent open its sockets by the guarded connector; a socket reaches the pool only once it is connected and checked. */
function agentOf<A extends http.Agent>(agent: A, protocol: string, connect: buildConnector.connector): A {
  const createConnection = (options: { host: string; port: number; servername?: string }, done: Connected) =>
    connect(
      { hostname: options.host, protocol, port: String(options.port), servername: options.servername || undefined },
      (...[error, socket]) => (error ? done(error) : done(null, socket as Socket)),
    );
  return Object.assign(agent, { createConnection });
}

/** The engine for everything but the measured hot path: axios, with every convenience that could go astray switched off. */
export function axiosEngine(connect: buildConnector.connector): Engine {
  const httpAgent = agentOf(new http.Agent(POOL), 'http:', connect);
  const httpsAgent = agentOf(new https.Agent(POOL), 'https:', connect);
  const client = axios.create({
    httpAgent,
    httpsAgent,
    proxy: false,
    maxRedirects: 0,
    responseType: 'stream',
    decompress: false,
    maxContentLength: -1,
    maxBodyLength: -1,
    validateStatus: () => true,
    transformRequest: [(data: unknown) => data],
  });
  const open = async (call: Call): Promise<Answer> => {
    const native = call.url.protocol === 'https:' ? https : http;
    const transport = {
      request: (options: http.RequestOptions, answered: (answer: http.IncomingMessage) => void) =>
        native.request(options, answered).once('socket', call.written),
    };
    const abort = new AbortController();
    call.stop.by((reason) => abort.abort(reason));
    const { status, headers, data } = await client.request<Readable>({
      url: call.url.href,
      method: call.method,
      headers: { 'content-type': null, ...call.headers },
      data: call.body,
      signal: abort.signal,
      transport,
    });
    call.answered();
    call.stop.by((reason) => void data.destroy(reason));
    return { status, headers: flatHeaders(headers), stream: data };
  };
  return {
    open,
    async whole(call, max) {
      const { status, headers, stream } = await open(call);
      return { status, headers, ...(await collect(stream, max)) };
    },
    async close() {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
}
