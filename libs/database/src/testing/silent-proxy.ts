import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A TCP proxy that can forget its connections without a word: they stay open, and nothing passes any more. New ones work. */
export class SilentProxy {
  url = '';
  readonly #links = new Set<readonly [Socket, Socket]>();
  #server: Server | undefined;

  constructor(readonly target: string) {}

  async start(): Promise<this> {
    const { hostname, port } = new URL(this.target);
    this.#server = createServer((near) => this.#link(near, connect(Number(port), hostname)));
    await new Promise<void>((resolve) => this.#server!.listen(0, '127.0.0.1', resolve));
    const url = new URL(this.target);
    url.host = `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    this.url = url.href;
    return this;
  }

  /** How many connections are open that something passes through. */
  get passing(): number {
    return [...this.#links].filter(([near]) => !near.isPaused()).length;
  }

  silence(): void {
    for (const link of this.#links) for (const socket of link) socket.removeAllListeners('data').pause();
  }

  async stop(): Promise<void> {
    for (const link of this.#links) for (const socket of link) socket.destroy();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  #link(near: Socket, far: Socket): void {
    const link = [near, far] as const;
    this.#links.add(link);
    near.on('data', (chunk) => far.write(chunk));
    far.on('data', (chunk) => near.write(chunk));
    const over = (): void => {
      this.#links.delete(link);
      for (const socket of link) socket.destroy();
    };
    for (const socket of link) socket.on('error', over).on('close', over);
  }
}
