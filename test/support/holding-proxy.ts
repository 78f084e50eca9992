import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** `answer`: the server does it, and what it answers is kept back. `request`: the server never hears of it. */
export type Hold = 'answer' | 'request';

interface Trap {
  readonly text: string;
  /** Only on a connection over which this went before. */
  readonly after: string | undefined;
  readonly hold: Hold;
  readonly caught: () => void;
}

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  readonly seen: Set<string>;
  hold: Hold | undefined;
  caught: (() => void) | undefined;
}

/**
 * Stands between the gateway and Postgres. It can keep back a statement, or what the server answers to it (so that it is committed and the gateway
 * does not know), and it can be away, as a server that is down.
 */
export class HoldingProxy {
  /** The database's address, as it is reached through here. */
  url = '';
  private readonly links = new Set<Link>();
  private server: Server | undefined;
  private port = 0;
  private trap: Trap | undefined;
  private silent = false;

  constructor(private readonly target: string) {}

  async start(): Promise<this> {
    const server = createServer((client) => this.link(client));
    await new Promise<void>((done) => server.listen(this.port, '127.0.0.1', done));
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
    const url = new URL(this.target);
    url.host = `127.0.0.1:${this.port}`;
    this.url = url.href;
    return this;
  }

  /** The server is down: connections are cut and refused. `start` brings it back. */
  async away(): Promise<void> {
    const server = this.server;
    this.server = undefined;
    for (const { client, server: far } of this.links) {
      client.destroy();
      far.destroy();
    }
    this.links.clear();
    this.silent = false;
    if (server) await new Promise<void>((done) => server.close(() => done()));
  }

  /** The server's machine is gone: connections stay, new ones are made, and nothing passes over any of them. `away` and `start` bring it back. */
  silence(): void {
    this.silent = true;
  }

  /**
   * From the next bytes on that hold `text`, one connection is held. Resolves when the server has answered (`answer`), or would have been asked
   * (`request`). Connections made later go through.
   */
  hold(hold: Hold, text: string, after?: string): Promise<void> {
    return new Promise((caught) => (this.trap = { text, after, hold, caught }));
  }

  /** Nothing more is held from now on; what is held stays so. */
  release(): void {
    this.trap = undefined;
  }

  private link(client: Socket): void {
    const { hostname, port } = new URL(this.target);
    const link: Link = {
      client,
      server: connect(Number(port), hostname),
      seen: new Set(),
      hold: undefined,
      caught: undefined,
    };
    this.links.add(link);
    client.on('data', (chunk) => {
      if (this.silent) return;
      this.spring(link, chunk);
      if (link.hold !== 'request') link.server.write(chunk);
    });
    link.server.on('data', (chunk) => {
      if (this.silent) return;
      if (link.hold !== 'answer') return void client.write(chunk);
      link.caught?.();
    });
    const over = (): void => {
      this.links.delete(link);
      client.destroy();
      link.server.destroy();
    };
    for (const socket of [client, link.server]) socket.on('error', over).on('close', over);
  }

  private spring(link: Link, chunk: Buffer): void {
    const { trap } = this;
    if (!trap || link.hold) return;
    if (trap.after !== undefined && chunk.includes(trap.after)) link.seen.add(trap.after);
    if (!chunk.includes(trap.text) || (trap.after !== undefined && !link.seen.has(trap.after))) return;
    this.trap = undefined;
    link.hold = trap.hold;
    link.caught = trap.caught;
    if (trap.hold === 'request') trap.caught();
  }
}
