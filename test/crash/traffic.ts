import { setTimeout as delay } from 'node:timers/promises';
import { message, type Writing } from '../support/index.js';
import type { Draw, Draws } from './draw.js';
import { ACCOUNTS, CANARY, type Account, type Post, type Scene } from './scene.js';

/** How long one thing may take while the process is killed and comes back. */
const PATIENCE_MS = 120_000;
const PAUSE_MS = 15;
const REGULARS = 12;
const STRANGERS = 2;
const ACTS = { write: 10, twice: 2, again: 2, burst: 1, reply: 5, edit: 1, replay: 1 };
type Act = keyof typeof ACTS;
/** What happens in every round, so that every step is there to be killed in. */
const SURE: readonly Act[] = ['write', 'reply', 'edit', 'write', 'replay', 'reply', 'write'];

/** Receipts bear it, so that their statements can be told from others. */
export const RECEIPT_MARK = '2001-02-03T04:05:06';

interface Sent {
  readonly account: Account;
  readonly writing: Writing;
}

/** One person with a thread on each account, whose agent answers. Everything is done again until it is answered, as providers and helpdesks do. */
class Customer {
  /** The messages of this round that came one after the other, with the last one before. */
  order: string[] = [];
  private readonly sent: Sent[] = [];
  private replies = 0;
  private count = 0;
  private conversationId: string | undefined;

  constructor(
    private readonly scene: Scene,
    readonly number: number,
  ) {}

  async live(acts: readonly Act[], draw: Draw): Promise<void> {
    this.order = this.order.slice(-1);
    for (const act of acts) await this[act](draw);
  }

  async write(draw: Draw): Promise<void> {
    const sent = this.next(draw);
    await this.post(sent);
    this.order.push(sent.writing.id);
  }

  /** The provider repeats itself before it was answered. */
  private async twice(draw: Draw): Promise<void> {
    const sent = this.next(draw);
    await Promise.all([this.post(sent), this.post(sent)]);
    this.order.push(sent.writing.id);
  }

  /** The provider repeats something long ago. */
  private async again(draw: Draw): Promise<void> {
    if (this.sent.length > 0) await this.post(draw.pick(this.sent));
  }

  private async burst(draw: Draw): Promise<void> {
    await Promise.all(Array.from({ length: 2 + draw.below(6) }, () => this.post(this.next(draw))));
    await this.conversation();
    this.order.length = 0;
  }

  private async reply(): Promise<void> {
    const conversationId = await this.conversation();
    this.replies += 1;
    const text = `${CANARY.word} a${this.scene.round}- to ${this.number} #${this.replies}`;
    const { id } = await this.call<{ id: string }>('POST', `/v1/conversations/${conversationId}/messages`, {
      ...{ wanted: 202, key: `reply-${this.number}-${this.replies}` },
      body: { text, author: { id: 'agent-1', name: CANARY.word } },
    });
    this.scene.ledger.replied(text, id);
  }

  private async edit(draw: Draw): Promise<void> {
    const conversationId = await this.conversation();
    const metadata = { edit: `e${this.scene.round}-${this.number}` };
    const changed = await this.call<{ metadata: unknown }>('PATCH', `/v1/conversations/${conversationId}`, {
      body: { metadata, tags: [`round-${this.scene.round}`], ...(draw.chance(0.3) && { status: 'closed' }) },
    });
    if (JSON.stringify(changed.metadata) !== JSON.stringify(metadata))
      this.scene.ledger.fault(`${conversationId}: an edit was answered with ${JSON.stringify(changed.metadata)}`);
  }

  /** Without a key: what is asked for twice is delivered twice, and a claim that a dead process left would keep the second one waiting. */
  private async replay(): Promise<void> {
    const conversationId = await this.conversation();
    const ids = this.scene.ledger.told.get(conversationId)?.recent;
    const body = ids ? { ids } : { conversationId };
    const { count } = await this.call<{ count: number }>('POST', '/v1/destinations/desk/replay', { wanted: 202, body });
    this.scene.ledger.replayed(conversationId, count);
  }

  private next(draw: Draw): Sent {
    const account = draw.pick(ACCOUNTS);
    const writing = {
      id: `w${this.scene.round}-${this.number}-${(this.count += 1)}`,
      thread: `${account}-${this.number}`,
      text: `${CANARY.word} ${draw.below(1e9)}`,
      phone: `+${CANARY.phone}${String(this.number).padStart(6, '0')}`,
      name: CANARY.word,
    };
    const sent = { account, writing };
    this.sent.push(sent);
    if (this.sent.length > 50) this.sent.shift();
    return sent;
  }

  private async post({ account, writing }: Sent): Promise<void> {
    const id = await stubborn(this.scene, `${writing.id} to be taken`, async () => {
      const answer = await this.scene.poster(account).post(message(writing));
      return answer.status === 503
        ? undefined
        : { status: answer.status, wanted: 200, value: answer.id ?? answer.text };
    });
    this.scene.ledger.written(writing.id, id);
  }

  private async conversation(): Promise<string> {
    const messageId = this.scene.ledger.acknowledged.get(this.order.at(-1) ?? '');
    if (messageId !== undefined)
      this.conversationId = (
        await this.call<{ conversationId: string }>('GET', `/v1/messages/${messageId}`)
      ).conversationId;
    return this.conversationId!;
  }

  private call<T>(method: 'GET' | 'POST' | 'PATCH', path: string, options: CallOptions = {}): Promise<T> {
    const { body, key, wanted = 200 } = options;
    return stubborn(this.scene, `${method} ${path}`, async () => {
      const { api } = this.scene.stage.gateway;
      const headers = key === undefined ? {} : { headers: { 'idempotency-key': key } };
      const answer =
        method === 'GET'
          ? await api.get<T>(path)
          : await api[method === 'POST' ? 'post' : 'patch']<T>(path, body, headers);
      return answer.status === 503 ? undefined : { status: answer.status, wanted, value: answer.body };
    });
  }
}

interface CallOptions {
  readonly body?: unknown;
  readonly key?: string;
  readonly wanted?: number;
}

interface Answered<T> {
  readonly status: number;
  readonly wanted: number;
  readonly value: T;
}

/** Tries until there is an answer that is not 503. Another status than the wanted one is a fault. */
async function stubborn<T>(scene: Scene, what: string, attempt: () => Promise<Answered<T> | undefined>): Promise<T> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    if (scene.closed) return new Promise(() => undefined);
    const silence = delay(PATIENCE_MS, undefined, { ref: false });
    const answer = await Promise.race([attempt(), silence]).catch(() => undefined);
    if (answer?.status === answer?.wanted && answer) return answer.value;
    if (answer) throw new Error(`${what} was answered ${answer.status}: ${JSON.stringify(answer.value)}`);
    if (performance.now() > end) throw new Error(`${what} took more than ${PATIENCE_MS} ms`);
    await delay(scene.stage.gateway.alive ? 2 : PAUSE_MS);
  }
}

/** Who takes part in a run: regular customers, strangers of one round, and the provider that reports what it delivered. */
export class Traffic {
  private readonly regulars: Customer[];
  private present: Customer[] = [];
  private strangers = 0;
  private over = true;
  private readonly beside: Promise<void>[] = [];

  constructor(private readonly scene: Scene) {
    this.regulars = Array.from({ length: REGULARS }, (_, number) => new Customer(scene, number));
  }

  /** What everyone does in this round; resolves when all is answered. */
  async run(draws: Draws): Promise<void> {
    const draw = draws('traffic');
    this.present = [...draw.shuffled(this.regulars).slice(0, 3 + draw.below(6)), ...this.arrive(STRANGERS)];
    this.over = false;
    const talks = this.present.map((customer, index) => {
      const own = draws('customer', index);
      const acts = Array.from({ length: 1 + own.below(4) }, () => own.weighted(ACTS));
      return customer.live(index === 0 ? SURE : ['write', ...acts], own);
    });
    const reports = this.report(draws('reports'));
    const results = await Promise.allSettled(talks);
    await Promise.all(this.beside.splice(0));
    this.over = true;
    for (const result of [...results, ...(await Promise.allSettled([reports]))])
      if (result.status === 'rejected') this.scene.ledger.fault(String(result.reason));
  }

  /** So many messages at once, of people who were not there before. `first` is called once one of them is acknowledged. */
  async batch(size: number, draw: Draw, first: () => void): Promise<void> {
    const crowd = this.arrive(8);
    const writes = Array.from({ length: size }, (_, n) => crowd[n % crowd.length]!.write(draw).then(first));
    for (const result of await Promise.allSettled(writes))
      if (result.status === 'rejected') this.scene.ledger.fault(String(result.reason));
  }

  /** Belongs to the round, too. */
  also(work: Promise<void>): void {
    this.beside.push(work);
  }

  get orders(): string[][] {
    return this.present.map(({ order }) => order);
  }

  private arrive(count: number): Customer[] {
    return Array.from({ length: count }, () => new Customer(this.scene, REGULARS + (this.strangers += 1)));
  }

  /** The provider's side: statuses of what it took, in any order, some twice; some at once, some a round later. */
  private async report(draw: Draw): Promise<void> {
    const reports = this.scene.unreported.splice(0).map((post) => this.receipts(post, draw.pick(post.ids), draw));
    const later: Post[] = [];
    while (!this.over && !this.scene.closed) {
      for (const post of this.scene.unreported.splice(0)) {
        if (draw.chance(0.4)) reports.push(this.receipts(post, post.ids[0]!, draw));
        else later.push(post);
      }
      await delay(5);
    }
    await Promise.all(reports);
    this.scene.unreported.push(...later);
  }

  private async receipts({ text, account }: Post, id: string, draw: Draw): Promise<void> {
    const end = draw.chance(0.1) ? 'failed' : 'read';
    const statuses = draw.shuffled(['delivered', 'delivered', end] as const).slice(0, 1 + draw.below(3));
    await Promise.all(statuses.map((status) => this.receipt({ text, account }, id, status)));
  }

  private async receipt(
    { text, account }: Omit<Post, 'ids'>,
    id: string,
    status: 'delivered' | 'read' | 'failed',
  ): Promise<void> {
    const occurredAt = `${RECEIPT_MARK}.${String(this.scene.round % 1_000).padStart(3, '0')}Z`;
    await stubborn(this.scene, `the receipt ${id} ${status}`, async () => {
      const answer = await this.scene.poster(account).post({ type: 'receipt', messageId: id, status, occurredAt });
      return answer.status === 503 ? undefined : { status: answer.status, wanted: 200, value: answer.text };
    });
    this.scene.ledger.receipted(text, status);
  }
}
