import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DeliveryRefused, type HelpdeskConnector } from '#helpdesk';
import { ProviderFailure, type StreamEvent } from '#normalizer';
import { z } from 'zod';

/** One request as it came. */
export interface Call {
  readonly path: string;
  readonly id: string;
  readonly replay: boolean;
  readonly event: StreamEvent;
}

export type Answer = { status: number; headers?: Record<string, string>; body?: unknown } | 'hang';

/** A ticket system or provider on the loopback that logs every request and answers as told. */
export class Desk {
  readonly calls: Call[] = [];
  /** Decides each answer; 200 unless told. */
  answer: (call: Call) => Answer = () => ({ status: 200 });
  private readonly server: Server;
  private open = 0;
  most = 0;

  private constructor(private readonly hanging: Set<ServerResponse> = new Set()) {
    this.server = createServer((request, response) => void this.handle(request, response));
  }

  static async start(): Promise<Desk> {
    const desk = new Desk();
    await new Promise<void>((resolve) => desk.server.listen(0, '127.0.0.1', resolve));
    return desk;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Lets go what hangs. */
  release(): void {
    for (const response of this.hanging) response.writeHead(200).end();
    this.hanging.clear();
  }

  /** What arrived at a path, in order; repeats included. */
  at(path: string): Call[] {
    return this.calls.filter((call) => call.path === `/${path}`);
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.most = Math.max(this.most, (this.open += 1));
    response.on('close', () => (this.open -= 1));
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const { headers, url = '' } = request;
    const call = {
      path: url,
      id: String(headers['webhook-id']),
      replay: headers['tributary-replay'] === 'true',
      event: JSON.parse(body),
    };
    this.calls.push(call);
    const answer = this.answer(call);
    if (answer === 'hang') {
      this.hanging.add(response);
      return;
    }
    response.writeHead(answer.status, answer.headers).end(answer.body === undefined ? '' : JSON.stringify(answer.body));
  }
}

/** Posts one request; throws as connectors and adapters do. */
export async function post(
  url: string,
  request: { id: string; replay?: boolean; body: unknown; signal: AbortSignal },
): Promise<unknown> {
  const headers = { 'webhook-id': request.id, ...(request.replay && { 'tributary-replay': 'true' }) };
  const response = await fetch(url, {
    method: 'POST',
    headers,
    body: JSON.stringify(request.body),
    signal: request.signal,
  }).catch((error: unknown) => {
    const refused = JSON.stringify((error as { cause?: { code?: string } }).cause?.code ?? '').includes('ECONNREFUSED');
    throw new ProviderFailure(refused ? 'unavailable' : 'outcome-unknown', String(error));
  });
  const text = await response.text();
  if (response.ok) return text ? JSON.parse(text) : {};
  const after = response.headers.get('retry-after');
  throw new DeliveryRefused(
    response.status,
    `answered ${response.status}`,
    after === null ? undefined : Number(after) * 1_000,
  );
}

/** The simplest connector: one POST for each event. */
export const postConnector: HelpdeskConnector<{ url: string }> = {
  type: 'post',
  title: 'Post',
  config: z.object({ url: z.string() }),
  capabilities: { kind: 'stream', batch: 1, replies: ['api'], maxAttachmentBytes: 0 },
  async deliver(events, ctx) {
    const [event] = events as [StreamEvent];
    const { signal, replay, config } = ctx;
    return (await post(config.url, { id: event.id, replay, body: event, signal })) as object;
  },
};
