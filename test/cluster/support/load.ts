import { setTimeout as delay } from 'node:timers/promises';
import type { Balancer } from './balancer.js';
import { Api, type Stage } from '../../support/index.js';

const PAUSE_MS = 100;
const RETRY_MS = 20;
const GIVE_UP_MS = 45_000;

/** Customers and an agent who write without end, each their next message once the last one was taken. What is not taken is sent again, as providers do. */
export class Load {
  /** The longest that somebody was refused, milliseconds: from a first failure to the answer that the message is taken. */
  longestMs = 0;
  /** Texts of the agent's answers that were taken. */
  readonly answers: string[] = [];
  private written = 0;
  private stopping = false;
  private work: Promise<void>[] = [];

  constructor(
    private readonly name: string,
    private readonly stage: Stage,
    private readonly balancer: Balancer,
  ) {}

  start(customers = 5): this {
    this.work = Array.from({ length: customers }, (_, i) => this.customer(`${this.name}-${i}`));
    return this;
  }

  /** An agent answers in this conversation too. */
  answering(conversationId: string): this {
    this.work.push(this.agent(conversationId));
    return this;
  }

  /** Resolves with the number of messages taken. */
  async stop(): Promise<number> {
    this.stopping = true;
    await Promise.all(this.work);
    return this.written;
  }

  private async customer(thread: string): Promise<void> {
    const poster = this.stage.posterTo(this.balancer);
    for (let n = 0; !this.stopping; n += 1) {
      const id = `${thread}-${n}`;
      const stored = await this.stubbornly(id, () => poster.write({ id, thread, text: id }));
      this.stage.acknowledged.set(id, stored);
      this.written += 1;
      await delay(PAUSE_MS);
    }
  }

  private async agent(conversationId: string): Promise<void> {
    const api = new Api({ url: this.balancer.url, adminKey: this.stage.gateway.adminKey });
    const path = `/v1/conversations/${conversationId}/messages`;
    for (let n = 0; !this.stopping; n += 1) {
      const text = `${this.name}-answer-${n}`;
      await this.stubbornly(text, async () => {
        const { status } = await api.post(path, { text }, { headers: { 'idempotency-key': text } });
        if (status !== 202) throw new Error(`not taken: ${status}`);
      });
      this.answers.push(text);
      await delay(PAUSE_MS);
    }
  }

  private async stubbornly<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    for (let failedAt: number | undefined; ; await delay(RETRY_MS)) {
      try {
        const result = await attempt();
        if (failedAt !== undefined) this.longestMs = Math.max(this.longestMs, performance.now() - failedAt);
        return result;
      } catch (error) {
        failedAt ??= performance.now();
        if (performance.now() - failedAt > GIVE_UP_MS) throw new Error(`${what} is never taken`, { cause: error });
      }
    }
  }
}
