import type { ClientFrame, ServerFrame } from '#channels';
import { WebSocket } from 'ws';
import { until } from '../support/index.js';

type Of<T extends ServerFrame['type']> = Extract<ServerFrame, { type: T }>;

/** A customer in the web chat. */
export class ChatCustomer {
  readonly frames: ServerFrame[] = [];
  private session = '';

  private constructor(
    private readonly url: string,
    private readonly socket: WebSocket,
  ) {
    socket.on('message', (data) => this.frames.push(JSON.parse(String(data as Buffer)) as ServerFrame));
    socket.on('error', () => undefined);
  }

  static async enter(url: string, account = 'web'): Promise<ChatCustomer> {
    const customer = new ChatCustomer(url, new WebSocket(`${url.replace('http', 'ws')}/chat`, { origin: url }));
    await new Promise((done) => customer.socket.once('open', done));
    customer.send({ type: 'hello', account, after: 0 });
    customer.session = (await customer.got('welcome')).session;
    return customer;
  }

  /** Writes, with a picture if one is given; resolves once it is taken. */
  async writes(text: string, picture?: { name: string; content: Buffer }): Promise<void> {
    const media = picture && { type: 'media' as const, kind: 'image' as const, fileId: await this.upload(picture) };
    const clientId = `client-${Math.random()}`.replace('.', '-');
    this.send({ type: 'message', clientId, parts: [{ type: 'text', text }, ...(media ? [media] : [])] } as ClientFrame);
    await until(`${text} to be taken`, () =>
      this.frames.find((frame) => frame.type === 'accepted' && frame.clientId === clientId),
    );
  }

  /** What agents wrote, in order. */
  get answers(): Of<'message'>[] {
    return this.frames.flatMap((frame) => (frame.type === 'message' && frame.from === 'agent' ? frame : []));
  }

  leave(): void {
    this.socket.terminate();
  }

  private async upload({ name, content }: { name: string; content: Buffer }): Promise<string> {
    const body = new FormData();
    body.append('file', new Blob([content], { type: 'image/png' }), name);
    const headers = { authorization: `Bearer ${this.session}`, origin: this.url };
    const answer = await fetch(`${this.url}/chat/files?account=web`, { method: 'POST', body, headers });
    if (answer.status !== 201) throw new Error(`the upload was answered ${answer.status}: ${await answer.text()}`);
    return ((await answer.json()) as { id: string }).id;
  }

  private send(frame: ClientFrame): void {
    this.socket.send(JSON.stringify(frame));
  }

  private got<T extends ServerFrame['type']>(type: T): Promise<Of<T>> {
    return until(`the frame ${type}`, () => this.frames.find((frame) => frame.type === type) as Of<T> | undefined);
  }
}
