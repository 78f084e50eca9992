import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';

export const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

export interface SignOptions {
  readonly secret: string;
  /** `webhook-id`; one of its own for each post by default. */
  readonly id?: string;
  /** Seconds by which the sender's clock is off. */
  readonly skewS?: number;
}

let posts = 0;

/** Standard Webhooks headers for a body, made by the reference package. */
export function signed(
  body: string,
  { secret, id = `post-${(posts += 1)}`, skewS = 0 }: SignOptions,
): Record<string, string> {
  const at = new Date(Date.now() + skewS * 1_000);
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': new Webhook(secret).sign(id, at, body),
  };
}

/** What a customer wrote, as the `http` channel takes it (CONTRACT section 6). */
export interface Writing {
  readonly id: string;
  readonly thread: string;
  readonly text?: string;
  readonly parts?: readonly unknown[];
  readonly phone?: string;
  readonly name?: string;
}

export function message({ id, thread, text, parts, phone, name }: Writing): object {
  const value = phone ?? phoneOf(thread);
  return {
    type: 'message',
    id,
    thread,
    sender: { handles: [{ scheme: 'phone', value }], ...(name !== undefined && { name }) },
    ...(parts ? { parts } : { text: text ?? `text of ${id}` }),
  };
}

/** Another number for each thread, the same one each time. */
function phoneOf(thread: string): string {
  const number = [...thread].reduce((sum, char) => (sum * 131 + char.codePointAt(0)!) % 100_000_000, 7);
  return `+86138${String(number).padStart(8, '0')}`;
}

export interface PostAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Id of the stored message, where the answer names one. */
  readonly id: string | undefined;
}

/** A provider that posts to an account: signed, with the reference package. */
export class Poster {
  constructor(
    private readonly gateway: { readonly url: string },
    private readonly account: string,
    private readonly secret: string,
  ) {}

  /** Posts once. Rejects where no answer came. */
  async post(payload: object | string, options: Partial<SignOptions> = {}): Promise<PostAnswer> {
    const body = typeof payload === 'string' ? payload : JSON.stringify(payload);
    return this.raw(body, signed(body, { secret: this.secret, ...options }));
  }

  async raw(body: string, headers: Record<string, string>): Promise<PostAnswer> {
    const answer = await fetch(`${this.gateway.url}/channels/${this.account}`, { method: 'POST', headers, body });
    const text = await answer.text();
    const id = answer.status === 200 ? (JSON.parse(text) as { items: { id: string }[] }).items[0]?.id : undefined;
    return { status: answer.status, headers: answer.headers, text, id };
  }

  /** Posts what must be taken; returns the id of the stored message. */
  async write(writing: Writing): Promise<string> {
    const answer = await this.post(message(writing));
    if (answer.status !== 200 || !answer.id) throw new Error(`not taken: ${answer.status} ${answer.text}`);
    return answer.id;
  }

  receipt(messageId: string, status: 'delivered' | 'read' | 'failed'): Promise<PostAnswer> {
    return this.post({ type: 'receipt', messageId, status });
  }
}
