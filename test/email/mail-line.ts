import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** The line between the gateway and a mail server, which can be cut, can swallow what is said, and counts what comes over it. */
export class MailLine {
  /** Octets that came from the server. */
  octets = 0;
  /** Connections that stand swallow everything from now on; new ones are as they should be. */
  private readonly links = new Set<{ readonly client: Socket; readonly server: Socket; swallows: boolean }>();
  private reached: { readonly octets: number; readonly then: () => void } | undefined;
  private server!: Server;

  private constructor(private readonly target: number) {}

  static async to(port: number): Promise<MailLine> {
    const line = new MailLine(port);
    line.server = createServer((client) => line.link(client));
    await new Promise<void>((done) => line.server.listen(0, '127.0.0.1', done));
    return line;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.links.size;
  }

  swallow(): void {
    for (const link of this.links) link.swallows = true;
  }

  cut(): void {
    for (const { client, server } of this.links) [client, server].forEach((socket) => socket.destroy());
  }

  /** Once so many more octets came from the server: what is in them has arrived, what is behind them has not. */
  after(octets: number, then: () => void): void {
    this.reached = { octets: this.octets + octets, then };
  }

  close(): Promise<void> {
    this.cut();
    return new Promise((done) => this.server.close(() => done()));
  }

  private link(client: Socket): void {
    const link = { client, server: connect(this.target, '127.0.0.1'), swallows: false };
    this.links.add(link);
    client.on('data', (chunk) => link.swallows || link.server.write(chunk));
    link.server.on('data', (chunk: Buffer) => {
      if (link.swallows) return;
      this.octets += chunk.length;
      client.write(chunk);
      if (!this.reached || this.octets < this.reached.octets) return;
      const { then } = this.reached;
      this.reached = undefined;
      then();
    });
    const over = (): void => {
      this.links.delete(link);
      [client, link.server].forEach((socket) => socket.destroy());
    };
    for (const socket of [client, link.server]) socket.on('error', over).on('close', over);
  }
}
