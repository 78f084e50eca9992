import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { ProviderFailure, secret, type StreamEvent } from '#normalizer';
import { z } from 'zod';
import type { ConnectorContext, HelpdeskConnector } from '../core/connector.js';
import { connectionFailure, Link, within, type Connection } from '../core/link.js';
import { dialAddress, orderingKey, serverAddress } from '../core/stream-engine.js';
import { messageEvent } from './bench.js';
import { freePort } from './server.js';
import type { Sink, SinkSubject, Taken } from './sink-subject.js';

const config = z.object({
  server: serverAddress().describe('The server, as host:port.'),
  key: secret().describe('Says who we are.'),
});
export type LineConfig = z.infer<typeof config>;
export type LineContext = ConnectorContext<LineConfig>;
type Line = Omit<Taken, 'body'> & { readonly body: unknown };

/** The server takes no event that says this. */
const UNWELCOME = 'take this if you dare';

/** A server that takes one JSON text a line and answers each with a line: as little as a sink can be. */
export class LineServer implements Sink {
  private log: Line[] = [];
  private server: Server | undefined;
  private readonly sockets = new Set<Socket>();

  private constructor(
    readonly port: number,
    private readonly keys: readonly string[],
  ) {}

  static async start(keys: readonly string[]): Promise<LineServer> {
    const server = new LineServer(await freePort(), keys);
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const server = createServer((socket) => {
      this.sockets.add(socket.on('error', () => {}));
      const lines = createInterface(socket);
      lines.on('line', (text) => {
        const line = JSON.parse(text) as Line & { login?: string };
        const known = line.login === undefined || this.keys.includes(line.login);
        const welcome = !text.includes(UNWELCOME);
        if (line.id && welcome) this.log.push(line);
        socket.write(!known ? 'who are you\n' : welcome ? 'ok\n' : 'not that\n');
      });
    });
    this.server = server;
    await new Promise<void>((done) => server.listen(this.port, '127.0.0.1', done));
  }

  async stop(wipe = false): Promise<void> {
    if (wipe) this.log = [];
    const closed = new Promise((done) => (this.server ? this.server.close(done) : done(undefined)));
    this.sockets.forEach((socket) => socket.resetAndDestroy());
    await closed;
    this.server = undefined;
  }

  close(): Promise<void> {
    return this.stop();
  }

  taken(): Promise<readonly Taken[]> {
    return Promise.resolve(this.log.map(({ key, id, replay, body }) => ({ key, id, replay, body })));
  }
}

export interface LineConnection extends Connection {
  say(line: object): Promise<string>;
}

const MS = 400;
const wait = (code: 'unavailable' | 'outcome-unknown', { signal }: LineContext) => ({
  ms: MS,
  signal,
  code,
  what: 'ok',
});

/** Connects and says who we are. */
export async function openLine(ctx: LineContext, dial = ctx.dial): Promise<LineConnection> {
  const { server, key } = ctx.config;
  const socket = dial(dialAddress(server, undefined));
  const waiting: { resolve(answer: string): void; reject(error: Error): void }[] = [];
  const fail = (error: Error): void => waiting.splice(0).forEach(({ reject }) => reject(error));
  const lost = new Promise<Error>((resolve) => {
    socket.on('error', resolve).on('close', () => resolve(new Error('closed')));
  });
  void lost.then(fail);
  createInterface(socket).on('error', () => {}).on('line', (answer) => waiting.shift()?.resolve(answer)); // prettier-ignore
  const say = (line: object) =>
    new Promise<string>((resolve, reject) => {
      waiting.push({ resolve, reject });
      socket.write(`${JSON.stringify(line)}\n`);
    });
  const close = async (): Promise<void> => void socket.destroy();
  try {
    const answer = await within(say({ login: key }), wait('unavailable', ctx));
    if (answer !== 'ok') throw new ProviderFailure('unauthorized', 'the server does not know us');
  } catch (error) {
    await close();
    throw connectionFailure(server, error);
  }
  return { lost, say, close };
}

export const lineOf = (event: StreamEvent, replay: boolean): Line => ({ key: orderingKey(event), id: event.id, replay, body: event }); // prettier-ignore

/** Hands one event over. */
export async function hand(event: StreamEvent, ctx: LineContext, connection: LineConnection): Promise<void> {
  try {
    const answer = await within(connection.say(lineOf(event, ctx.replay)), wait('outcome-unknown', ctx));
    if (answer !== 'ok') throw new ProviderFailure('content-refused', 'the server does not take the event');
  } catch (error) {
    throw error instanceof ProviderFailure
      ? error
      : new ProviderFailure('outcome-unknown', `no answer: ${String(error)}`);
  }
}

export const linkOf = (ctx: LineContext): Link<LineConnection> => ctx.hold(() => new Link(() => openLine(ctx)));

/** The smallest connector that passes the conformance suite of sinks: what the suite itself is tested on. */
export const compliantSink: HelpdeskConnector<LineConfig> = {
  type: 'line',
  title: 'Line',
  config,
  capabilities: { kind: 'stream', batch: 10, replies: ['api'], maxAttachmentBytes: 0 },
  async deliver(events, ctx) {
    const link = linkOf(ctx);
    const connection = await link.get();
    try {
      for (const event of events) await hand(event, ctx, connection);
    } catch (error) {
      await link.drop(connection);
      throw error;
    }
    return {};
  },
  async check(ctx) {
    try {
      const answer = await within((await linkOf(ctx).get()).say({}), wait('unavailable', ctx));
      return { ok: answer === 'ok', detail: `The server answers: ${answer}.` };
    } catch (error) {
      return { ok: false, detail: `The server cannot be used: ${(error as Error).message}.` };
    }
  },
};

/** What the suite is told of it, with another connector in its place where one is given. */
export function lineSubject(connector: HelpdeskConnector<LineConfig> = compliantSink): SinkSubject<LineConfig> {
  const keys = ['first-key-4711', 'other-key-0815'] as const;
  const sample = (which: 0 | 1) => ({ id: `line${which}`, config: (server: string) => ({ server, key: keys[which] }) });
  return {
    ...{ connector, now: Date.parse('2026-11-21T09:30:00Z'), address: 'server' },
    destinations: [sample(0), sample(1)],
    start: () => LineServer.start(keys),
    refusals: [{ name: 'a wrong key', codes: ['unauthorized'], config: { key: 'a-wrong-key-1234' } }],
    unwelcome: messageEvent(2, UNWELCOME),
  };
}
