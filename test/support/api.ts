import type { StreamEvent } from '#normalizer';

/** An answer of the API, read whole. */
export interface ApiAnswer<T = unknown> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

interface Target {
  readonly url: string;
  readonly adminKey: string;
}

export interface CallOptions {
  /** Another key than the admin's; an empty one is not sent. */
  readonly key?: string;
  readonly headers?: Record<string, string>;
}

/** What `GET /v1/destinations/{id}/deliveries` lists. */
export interface DeliveryView {
  readonly eventId: string;
  readonly state: string;
  readonly attempts: number;
  readonly failure: { readonly code: string; readonly message: string } | null;
}

/** The REST API as its users call it. */
export class Api {
  constructor(private readonly target: Target) {}

  get<T = never>(path: string, options?: CallOptions): Promise<ApiAnswer<T>> {
    return this.call('GET', path, { ...options });
  }

  post<T = never>(path: string, body: unknown = {}, options?: CallOptions): Promise<ApiAnswer<T>> {
    return this.call('POST', path, { ...options, body });
  }

  patch<T = never>(path: string, body: unknown, options?: CallOptions): Promise<ApiAnswer<T>> {
    return this.call('PATCH', path, { ...options, body });
  }

  delete(path: string, options?: CallOptions): Promise<ApiAnswer<never>> {
    return this.call('DELETE', path, { ...options });
  }

  /** Every event that is kept, by pulling page after page until a page is empty. */
  async stream(): Promise<StreamEvent[]> {
    const all: StreamEvent[] = [];
    for (let after = ''; ;) {
      const { status, body } = await this.get<{ items: StreamEvent[]; next: string }>(`/v1/events?limit=200${after}`);
      if (status !== 200) throw new Error(`pulling was answered ${status}: ${JSON.stringify(body)}`);
      if (body.items.length === 0) return all;
      all.push(...body.items);
      after = `&after=${encodeURIComponent(body.next)}`;
    }
  }

  /** Deliveries of a destination in a state, at most 200. */
  async deliveries(destination: string, state: 'pending' | 'delivered' | 'dead'): Promise<DeliveryView[]> {
    const path = `/v1/destinations/${destination}/deliveries?state=${state}&limit=200`;
    return (await this.get<{ items: DeliveryView[] }>(path)).body.items;
  }

  private async call<T>(
    method: string,
    path: string,
    options: CallOptions & { body?: unknown },
  ): Promise<ApiAnswer<T>> {
    const { body, key = this.target.adminKey, headers } = options;
    const answer = await fetch(this.target.url + path, {
      method,
      headers: {
        ...(key && { authorization: `Bearer ${key}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: parsed(text) as T };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
