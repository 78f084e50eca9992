import { WebSocket } from 'ws';
import type { ServerFrame } from '#channels';
import { until } from '../../support/index.js';

type Of<T extends ServerFrame['type']> = Extract<ServerFrame, { type: T }>;

/** A browser with the chat open. */
export class Visitor {
  readonly frames: ServerFrame[] = [];
  closed: number | undefined;

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (data) => this.frames.push(JSON.parse(String(data as Buffer)) as ServerFrame));
    socket.on('close', (code) => (this.closed = code));
    socket.on('error', () => undefined);
  }

  /** Opens a socket and says hello, with the session of an earlier one where there is one. */
  static async open(url: string, before?: Visitor): Promise<Visitor> {
    const visitor = new Visitor(new WebSocket(`${url.replace('http', 'ws')}/chat`));
    await new Promise((resolve, reject) => visitor.socket.once('open', resolve).once('error', reject));
    const session = before && { session: before.one('welcome').session, after: before.last };
    visitor.send({ type: 'hello', account: 'web', after: 0, ...session });
    await visitor.until('caught-up');
    return visitor;
  }

  /** The highest place that it has. */
  get last(): number {
    return Math.max(0, ...this.all('message').map(({ seq }) => seq));
  }

  get texts(): string[] {
    return this.all('message').map(({ text }) => text);
  }

  all<T extends ServerFrame['type']>(type: T): Of<T>[] {
    return this.frames.filter((frame) => frame.type === type) as Of<T>[];
  }

  one<T extends ServerFrame['type']>(type: T): Of<T> {
    return this.all(type)[0]!;
  }

  send(frame: object): void {
    this.socket.send(JSON.stringify(frame));
  }

  /** Says something; resolves with the stored message's id, or undefined where it is refused. */
  async say(text: string, ms?: number): Promise<string | undefined> {
    const clientId = `client-${crypto.randomUUID()}`;
    this.send({ type: 'message', clientId, parts: [{ type: 'text', text }] });
    const answer = await this.until(
      'accepted',
      (frame) => (frame.type === 'accepted' || frame.type === 'refused') && frame.clientId === clientId,
      ms,
    );
    return answer.type === 'accepted' ? answer.id : undefined;
  }

  until(what: string, test: (frame: ServerFrame) => boolean = ({ type }) => type === what, ms?: number) {
    return until(`${what} in the chat`, () => this.frames.find(test), ms);
  }

  close(): void {
    this.socket.terminate();
  }
}
