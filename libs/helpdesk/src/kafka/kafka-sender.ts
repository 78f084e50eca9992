import type { Producer } from 'kafkajs';
import { ProviderFailure } from '#normalizer';
import type { Dial } from '#transport';
import type { Held } from '../core/connector.js';
import type { KafkaConfig } from './kafka.connector.js';
import { openProducer, refusalOf } from './kafka-client.js';

export interface KafkaMessage {
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Messages of one delivery that wait for their turn. */
interface Waiting {
  readonly messages: readonly KafkaMessage[];
  readonly bytes: number;
  resolve(): void;
  reject(error: ProviderFailure): void;
}

/** Together at most so many bytes of several deliveries: below what a broker takes at once by default. */
const TOGETHER_BYTES = 512 * 1_024;

/**
 * Sends what the deliveries of a destination hand over: one request at a time, with everything that came meanwhile. A producer that anything went wrong
 * with is never used again: the client counts the sequence back, and with an outcome that is not known the broker would take the next message
 * under that number for a repeat, confirm it and drop it.
 */
export class KafkaSender implements Held {
  private readonly waiting: Waiting[] = [];
  private producer: ReturnType<typeof openProducer> | undefined;
  private running: Promise<void> | undefined;
  private ended = false;

  constructor(
    private readonly config: KafkaConfig,
    private readonly dial: Dial,
  ) {}

  /** Resolves once the brokers have confirmed all of them. */
  send(messages: readonly KafkaMessage[]): Promise<void> {
    const sizes = messages.map(({ key, value }) => Buffer.byteLength(value) + key.length + 200);
    if (sizes.some((bytes) => bytes > this.config.maxMessageBytes))
      return Promise.reject(new ProviderFailure('content-refused', 'the event is larger than `maxMessageBytes`'));
    return new Promise((resolve, reject) => {
      this.waiting.push({ messages, bytes: sizes.reduce((sum, bytes) => sum + bytes, 0), resolve, reject });
      this.running ??= this.run().finally(() => (this.running = undefined));
    });
  }

  async close(): Promise<void> {
    this.ended = true;
    const patience = setTimeout(() => this.renew(), 2_000);
    await this.running;
    clearTimeout(patience);
    this.renew();
  }

  private async run(): Promise<void> {
    // What is handed over in the same breath goes together.
    await Promise.resolve();
    for (let next = this.take(); next.length > 0; next = this.take()) await this.deliver(next);
  }

  /** The next deliveries that go together: at least one. */
  private take(): Waiting[] {
    let bytes = 0;
    const more = this.waiting.findIndex((one, i) => (bytes += one.bytes) > TOGETHER_BYTES && i > 0);
    return this.waiting.splice(0, more < 0 ? this.waiting.length : more);
  }

  private async deliver(together: readonly Waiting[]): Promise<void> {
    try {
      if (this.ended) throw new ProviderFailure('unavailable', 'the settings of the destination changed');
      this.producer ??= openProducer(this.config, this.dial);
      const { producer } = await this.producer;
      await transmit(producer, this.config, together);
      together.forEach(({ resolve }) => resolve());
    } catch (error) {
      this.renew();
      const failure = refusalOf(error);
      // One delivery's fault must not be the others'.
      if (together.length > 1 && failure.code === 'content-refused')
        for (const one of together) await this.deliver([one]);
      else together.forEach(({ reject }) => reject(failure));
    }
  }

  private renew(): void {
    const over = this.producer;
    this.producer = undefined;
    over?.then(
      ({ close }) => close(),
      () => undefined,
    );
  }
}

/** `acks: -1`: every replica in sync has it. */
async function transmit(producer: Producer, { topic, confirmWithinMs }: KafkaConfig, together: readonly Waiting[]) {
  const messages = together.flatMap((one) =>
    one.messages.map(({ key, value, headers }) => ({ key, value, headers: { ...headers } })),
  );
  try {
    await producer.send({ topic, acks: -1, timeout: confirmWithinMs, messages });
  } catch (error) {
    throw refusalOf(error, 'outcome-unknown');
  }
}
