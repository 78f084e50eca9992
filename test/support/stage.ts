import type { StreamEvent } from '#normalizer';
import { newGateway, type Gateway, type GatewayOptions } from './gateway.js';
import { FakeHelpdesk, FakeProvider } from './receiver.js';
import { newSecret, Poster, type Writing } from './signed.js';
import { until } from './until.js';

export interface StageOptions extends Omit<GatewayOptions, 'config'> {
  /** Accounts of the provider: `app` by default. */
  readonly apps?: readonly string[];
  /** Beside them. */
  readonly accounts?: readonly object[];
  /** Further settings. */
  readonly settings?: Record<string, unknown>;
}

/** What the API says of a message. */
export interface MessageView {
  readonly id: string;
  readonly conversationId: string;
  readonly threadId: string;
  readonly sequence: number;
  readonly status: string;
  readonly text: string;
  readonly failure?: { readonly code: string } | null;
}

interface StageParts extends Pick<Stage, 'gateway' | 'provider' | 'helpdesk' | 'secrets'> {
  readonly options: GatewayOptions;
}

/** A gateway between a provider of the `http` channel (account `app`) and a helpdesk that gets everything (destination `desk`). */
export class Stage {
  readonly poster: Poster;
  /** Ids of stored messages by the provider's ids, as they were acknowledged. */
  readonly acknowledged = new Map<string, string>();

  readonly gateway: Gateway;
  readonly provider: FakeProvider;
  readonly helpdesk: FakeHelpdesk;
  readonly secrets: { readonly app: string; readonly desk: string };

  constructor(private readonly parts: StageParts) {
    ({ gateway: this.gateway, provider: this.provider, helpdesk: this.helpdesk, secrets: this.secrets } = parts);
    this.poster = this.posterTo(this.gateway);
  }

  /** A customer writes; resolves with the stored message's id once it is acknowledged. */
  async write(writing: Writing): Promise<string> {
    const id = await this.poster.write(writing);
    this.acknowledged.set(writing.id, id);
    return id;
  }

  /** The same, and again whenever no answer came or it was 503, as providers do. */
  async writeStubbornly(writing: Writing, ms = 60_000): Promise<string> {
    return until(`${writing.id} to be taken`, () => this.write(writing), ms);
  }

  /** The event that tells of a message, once the helpdesk has it. */
  received(messageId: string, ms = 60_000): Promise<StreamEvent> {
    return until(
      `message.received of ${messageId}`,
      () => this.helpdesk.of('message.received').find(({ data }) => data?.message?.id === messageId),
      ms,
    );
  }

  /** A customer writes, and the helpdesk has it: the conversation's id. */
  async conversation(writing: Writing): Promise<string> {
    const { data } = await this.received(await this.write(writing));
    return data!.conversation!.id;
  }

  /** An agent answers; resolves with the queued message. Throws unless it is 202. */
  async reply(conversationId: string, text: string, idempotencyKey?: string): Promise<MessageView> {
    const answer = await this.gateway.api.post<MessageView>(
      `/v1/conversations/${conversationId}/messages`,
      { text, author: { id: 'agent-1', name: 'Lin' } },
      idempotencyKey ? { headers: { 'idempotency-key': idempotencyKey } } : {},
    );
    if (answer.status !== 202) throw new Error(`refused: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async message(id: string): Promise<MessageView> {
    return (await this.gateway.api.get<MessageView>(`/v1/messages/${id}`)).body;
  }

  /** Resolves once the message stands at this status. */
  settled(messageId: string, status: string): Promise<true> {
    return until(`${messageId} to be ${status}`, async () => (await this.message(messageId)).status === status || null);
  }

  /** Resolves with the whole stream once the helpdesk has taken every event of it. */
  drained(ms = 60_000): Promise<StreamEvent[]> {
    return until(
      'the helpdesk to have every event',
      async () => {
        const pending = await this.gateway.api.deliveries('desk', 'pending');
        if (pending.length > 0) throw new Error(`${pending.length} are pending, first: ${JSON.stringify(pending[0])}`);
        const taken = new Set(this.helpdesk.events.map(({ id }) => id));
        const stream = await this.gateway.api.stream();
        const missing = stream.filter(({ id }) => !taken.has(id));
        if (missing.length > 0) throw new Error(`${missing.length} events were not taken, first: ${missing[0]!.type}`);
        return stream;
      },
      ms,
    );
  }

  /** A further process on the same database, with the same settings unless told otherwise. */
  async twin(otherwise: Partial<GatewayOptions> = {}): Promise<Gateway> {
    const { options } = this.parts;
    const gateway = await newGateway({ ...options, ...otherwise, env: { ...options.env, ...otherwise.env } });
    await gateway.start();
    return gateway;
  }

  /** Customers' posts to another process, or to another account of the provider. */
  posterTo(gateway: { readonly url: string }, account = 'app'): Poster {
    return new Poster(gateway, account, this.secrets.app);
  }

  async close(): Promise<void> {
    await this.gateway.kill9();
    await Promise.all([this.provider.close(), this.helpdesk.close()]);
  }
}

/** Sets a stage up; the gateway is started. */
export async function setStage(options: StageOptions = {}): Promise<Stage> {
  const { settings, apps = ['app'], accounts = [], ...rest } = options;
  const secrets = { app: newSecret(), desk: newSecret() };
  const provider = await new FakeProvider([secrets.app]).start();
  const helpdesk = await new FakeHelpdesk([secrets.desk]).start();
  const config = {
    accounts: [
      ...apps.map((id) => ({
        ...{ id, type: 'http', name: `Our ${id}` },
        config: { secret: secrets.app, url: `${provider.url}/out` },
      })),
      ...accounts,
    ],
    destinations: [
      { id: 'desk', type: 'webhook', name: 'Helpdesk', config: { url: `${helpdesk.url}/hook`, secret: secrets.desk } },
    ],
    ...settings,
  };
  const gateway = await newGateway({ ...rest, config });
  await gateway.start();
  return new Stage({ gateway, provider, helpdesk, secrets, options: { ...rest, config } });
}
