import { hkdfSync } from 'node:crypto';
import type { StreamEvent } from '#normalizer';
import { Webhook } from 'standardwebhooks';
import { Desk } from './desk.js';
import { GatewayClient, type Gateway } from './gateway-client.js';

export const DESTINATION = 'demo-helpdesk';
export const WEBHOOK_PATH = '/demo/helpdesk/webhook';
const AUTHOR = { id: 'demo-agent', name: 'Mia', kind: 'agent' } as const;
const RETRY_MS = 1_000;

export interface HelpdeskOptions {
  /** Where the gateway listens; asked when it is needed, for the port may be chosen late. */
  readonly gateway: () => Gateway;
  /** Root of the addresses that people open. */
  readonly publicUrl: () => string;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}

/**
 * A small ticket system that lives in the gateway's process as a stranger: it is told everything by signed webhooks, answers through the public
 * API, and after a restart reads what happened from `GET /v1/events`.
 */
export class Helpdesk {
  readonly desk = new Desk();
  private stopped = false;

  constructor(private readonly options: HelpdeskOptions) {}

  get gateway(): GatewayClient {
    return new GatewayClient(this.options.gateway());
  }

  /** Connects to the gateway as soon as that answers. */
  async start(): Promise<void> {
    while (!this.stopped) {
      try {
        await this.connect();
        return this.options.log.info({ destination: DESTINATION }, 'the demo helpdesk is connected');
      } catch (error) {
        if (this.stopped) return;
        this.options.log.warn({ error: (error as Error).message }, 'the demo helpdesk cannot connect yet');
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
      }
    }
  }

  stop(): void {
    this.stopped = true;
    this.desk.close();
  }

  /** A delivery of the gateway: 401 where the signature is not right, else what is answered. Each event counts once. */
  receive(body: Buffer, headers: Record<string, string>): { status: number; body?: object } {
    let event: StreamEvent;
    try {
      event = new Webhook(this.secret).verify(body, headers) as StreamEvent;
    } catch {
      return { status: 401, body: { detail: 'the signature is not right' } };
    }
    const replay = headers['tributary-replay'] === 'true';
    this.desk.take({ event, verified: true, receivedAt: new Date().toISOString(), replay });
    const conversation = event.data?.conversation;
    if (!conversation || event.type.startsWith('typing.')) return { status: 204 };
    return {
      status: 200,
      body: { reference: { ticketId: ticketOf(conversation.id), url: `${this.options.publicUrl()}/demo` } },
    };
  }

  /** What is tried again with the same `key` is one message. */
  answer(conversationId: string, content: object, key?: string) {
    return this.gateway.call('POST', `/v1/conversations/${encodeURIComponent(conversationId)}/messages`, {
      body: { ...content, author: AUTHOR },
      key,
    });
  }

  typing(conversationId: string, on: boolean) {
    return this.gateway.call('POST', `/v1/conversations/${encodeURIComponent(conversationId)}/typing`, {
      body: { on, name: AUTHOR.name },
    });
  }

  change(conversationId: string, patch: object) {
    return this.gateway.call('PATCH', `/v1/conversations/${encodeURIComponent(conversationId)}`, { body: patch });
  }

  /** The same after each start, so that what waited for the helpdesk is taken before anything else happens. */
  private get secret(): string {
    const bytes = hkdfSync('sha256', this.options.gateway().key, '', 'tributary demo helpdesk', 32);
    return `whsec_${Buffer.from(bytes).toString('base64')}`;
  }

  private async connect(): Promise<void> {
    const { url } = this.options.gateway();
    await this.gateway.connect(DESTINATION, { url: url + WEBHOOK_PATH, secret: this.secret });
    for await (const events of this.gateway.history()) {
      for (const event of events) {
        this.desk.take({ event, verified: false, receivedAt: event.timestamp, replay: false });
      }
    }
  }
}

function ticketOf(conversationId: string): string {
  return `DEMO-${conversationId.slice(-6).toUpperCase()}`;
}
