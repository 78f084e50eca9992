import { randomUUID } from 'node:crypto';
import type { StreamEvent } from '#normalizer';

export interface Gateway {
  /** Root of the gateway as this machine reaches it. */
  readonly url: string;
  /** An API key. */
  readonly key: string;
}

/** An answer of the gateway, to be handed on as it is. */
export interface GatewayAnswer {
  readonly status: number;
  readonly body: string;
}

interface Call {
  readonly body?: unknown;
  /** The `Idempotency-Key` of a POST; a new one without it. */
  readonly key?: string;
}

const ATTEMPTS = 3;
const TIMEOUT_MS = 20_000;

/** The public API, as any ticket system uses it. */
export class GatewayClient {
  constructor(private readonly gateway: Gateway) {}

  /** Calls the API. A POST carries one `Idempotency-Key` however often it has to be sent. Rejects where the gateway does not answer. */
  async call(method: string, path: string, { body, key = randomUUID() }: Call = {}): Promise<GatewayAnswer> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.gateway.key}` };
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (method === 'POST') headers['idempotency-key'] = key;
    const text = body === undefined ? null : JSON.stringify(body);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.send(path, { method, headers, body: text });
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
        await new Promise((resolve) => setTimeout(resolve, 300 * attempt));
      }
    }
  }

  /** Hands an upload on, as it comes. */
  upload(contentType: string, body: AsyncIterable<Uint8Array>): Promise<GatewayAnswer> {
    const headers = { authorization: `Bearer ${this.gateway.key}`, 'content-type': contentType };
    return this.send('/v1/files', {
      method: 'POST',
      headers,
      body: body as never,
      duplex: 'half',
    } as RequestInit);
  }

  /** Makes this destination, or brings the one that is there up to date. */
  async connect(id: string, { url, secret }: { url: string; secret: string }): Promise<void> {
    const made = await this.call('POST', '/v1/destinations', {
      body: { id, type: 'webhook', name: 'Demo helpdesk', config: { url, secret } },
    });
    if (made.status === 409) {
      demand(await this.call('PATCH', `/v1/destinations/${id}`, { body: { config: { url, secret } } }));
      const { state } = JSON.parse(demand(await this.call('GET', `/v1/destinations/${id}`))) as { state: string };
      if (state === 'paused') demand(await this.call('POST', `/v1/destinations/${id}/resume`));
    } else demand(made);
  }

  /** Every event that is kept, oldest first, in pages. */
  async *history(): AsyncGenerator<StreamEvent[]> {
    let after = '';
    for (;;) {
      const query = after ? `&after=${encodeURIComponent(after)}` : '';
      const { items, next } = JSON.parse(demand(await this.call('GET', `/v1/events?limit=200${query}`))) as {
        items: StreamEvent[];
        next: string;
      };
      if (items.length === 0) return;
      yield items;
      after = next;
    }
  }

  private async send(path: string, init: RequestInit): Promise<GatewayAnswer> {
    const answer = await fetch(this.gateway.url + path, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
    return { status: answer.status, body: await answer.text() };
  }
}

function demand({ status, body }: GatewayAnswer): string {
  if (status >= 300) throw new Error(`the gateway answered ${status}: ${body.slice(0, 300)}`);
  return body;
}
