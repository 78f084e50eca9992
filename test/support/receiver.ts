import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import type { StreamEvent } from '#normalizer';

/** A request as it arrived: every byte of it. */
export interface Received<T = unknown> {
  /** `webhook-id`. */
  readonly id: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly raw: Buffer;
  readonly json: T;
  /** 1 for the first arrival of this id, 2 for the second. */
  readonly attempt: number;
  /** Do the signature and the time stand, by the reference package? */
  readonly verified: boolean;
}

/** `hang`: never answers. `reset`: tears the connection down. `lost`: takes it, then does the same. `garbage`: bytes that are no HTTP. */
export type Answer =
  | 'lost'
  | 'hang'
  | 'reset'
  | 'garbage'
  | { readonly status?: number; readonly headers?: Record<string, string>; readonly body?: unknown };

/** Undefined: 200, as always. */
export type Script<T> = (request: Received<T>) => Answer | undefined | Promise<Answer | undefined>;

/** A request that waits for its answer. */
export interface Held<T> {
  readonly request: Received<T>;
  release(answer?: Answer): void;
}

/**
 * A loopback server that is posted signed JSON: verifies each request with the reference package, logs it, answers by a script, and takes each
 * `webhook-id` once. What it answered with 2xx is taken, whether or not the answer arrived.
 */
export class Receiver<T> {
  url = '';
  readonly requests: Received<T>[] = [];
  /** The first arrival of each id that was answered with 2xx, in the order of the answers. */
  readonly taken: Received<T>[] = [];
  private readonly ids = new Set<string>();
  private readonly arrivals = new Map<string, number>();
  private readonly once: { matches(request: Received<T>): boolean; script: Script<T> }[] = [];
  private script: Script<T> = () => undefined;
  private server: Server | undefined;
  private port = 0;

  constructor(private readonly secrets: string[]) {}

  async start(): Promise<this> {
    const server = createServer(
      (request, response) => void this.serve(request, response).catch(() => response.destroy()),
    );
    await new Promise<void>((done) => server.listen(this.port, '127.0.0.1', done));
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }

  /** Closes the port and every connection; `start` opens the same port again. */
  async close(): Promise<void> {
    const server = this.server;
    this.server = undefined;
    if (!server) return;
    await new Promise<void>((done) => {
      server.close(() => done());
      server.closeAllConnections();
    });
  }

  /** Forgets what arrived, but not which ids were taken. */
  forget(): void {
    this.requests.length = this.taken.length = 0;
    this.arrivals.clear();
  }

  /** From now on requests may also be signed with this secret. */
  trust(secret: string): void {
    this.secrets.push(secret);
  }

  /** How everything is answered from now on. */
  answer(script: Script<T>): void {
    this.script = script;
  }

  /** How the next request that matches is answered. */
  next(matches: (request: Received<T>) => boolean, script: Script<T>): void {
    this.once.push({ matches, script });
  }

  /** Holds the next request that matches until it is released. */
  hold(matches: (request: Received<T>) => boolean = () => true): Promise<Held<T>> {
    return new Promise((arrived) => {
      this.next(matches, (request) => new Promise((release) => arrived({ request, release })));
    });
  }

  /** Requests whose signature does not stand. */
  get forged(): Received<T>[] {
    return this.requests.filter(({ verified }) => !verified);
  }

  /** Arrivals of one id. */
  attempts(id: string): Received<T>[] {
    return this.requests.filter((request) => request.id === id);
  }

  private async serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await this.log(incoming);
    const special = this.once.findIndex(({ matches }) => matches(request));
    const script = special < 0 ? this.script : this.once.splice(special, 1)[0]!.script;
    const answer = (await script(request)) ?? {};
    const taken = answer === 'lost' || (typeof answer === 'object' && (answer.status ?? 200) < 300);
    if (taken && !this.ids.has(request.id)) {
      this.ids.add(request.id);
      this.taken.push(request);
    }
    write(answer, response);
  }

  private async log(incoming: IncomingMessage): Promise<Received<T>> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const raw = Buffer.concat(chunks);
    const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
    const id = headers['webhook-id'] ?? '';
    const attempt = (this.arrivals.get(id) ?? 0) + 1;
    this.arrivals.set(id, attempt);
    const verified = this.secrets.some((secret) => verifies(secret, raw, headers));
    const request = { id, path: incoming.url ?? '', headers, raw, json: json(raw) as T, attempt, verified };
    this.requests.push(request);
    return request;
  }
}

/** The ticket system: is posted events of the stream. */
export class FakeHelpdesk extends Receiver<StreamEvent> {
  /** Events taken, each once, in the order of arrival. */
  get events(): StreamEvent[] {
    return this.taken.map(({ json }) => json);
  }

  /** Those of one type. */
  of(type: StreamEvent['type']): StreamEvent[] {
    return this.events.filter((event) => event.type === type);
  }

  /** Sequences of each conversation, in the order of arrival. */
  get sequences(): Map<string, number[]> {
    const sequences = new Map<string, number[]>();
    for (const { data, sequence } of this.events) {
      const id = data?.conversation?.id;
      if (id === undefined || sequence === null) continue;
      sequences.set(id, [...(sequences.get(id) ?? []), sequence]);
    }
    return sequences;
  }
}

/** What the `http` channel posts (CONTRACT section 6). */
export interface OutboundPost {
  readonly type: 'message';
  readonly id: string;
  readonly thread: string;
  readonly to: { readonly handles: readonly { readonly scheme: string; readonly value: string }[] };
  readonly parts: readonly unknown[];
  readonly text: string;
  readonly replyTo?: string;
}

/** The customers' side: is posted answers. */
export class FakeProvider extends Receiver<OutboundPost> {
  /** Texts taken, each id once, in the order of arrival. */
  get texts(): string[] {
    return this.taken.map(({ json }) => json.text);
  }
}

function verifies(secret: string, raw: Buffer, headers: Record<string, string>): boolean {
  try {
    new Webhook(secret).verify(raw, headers);
    return true;
  } catch {
    return false;
  }
}

function json(raw: Buffer): unknown {
  try {
    return JSON.parse(raw.toString());
  } catch {
    return undefined;
  }
}

function write(answer: Answer, response: ServerResponse): void {
  if (answer === 'hang') return;
  if (answer === 'reset' || answer === 'lost') return void response.socket?.resetAndDestroy();
  if (answer === 'garbage') return void response.socket?.end('\x00\x01 this is no HTTP \r\n\r\n');
  response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
  response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? {}));
}
