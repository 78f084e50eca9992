import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Gateway } from '../../support/index.js';

const LOOK_MS = 100;

/**
 * As simple as load balancers come: each connection goes to the next process whose `/health/ready` says 200, asked ten times a second. One that refuses a
 * connection is passed over; bytes that were sent are never repeated.
 */
export class Balancer {
  url = '';
  private ready: readonly Gateway[] = [];
  private turn = 0;
  private server: Server | undefined;
  private timer: NodeJS.Timeout | undefined;
  private readonly sockets = new Set<Socket>();

  constructor(private readonly gateways: readonly Gateway[]) {}

  async start(): Promise<this> {
    this.server = createServer((near) => this.forward(near));
    await new Promise<void>((done) => this.server!.listen(0, '127.0.0.1', done));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    await this.look();
    this.timer = setInterval(() => void this.look(), LOOK_MS);
    return this;
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    for (const socket of this.sockets) socket.destroy();
    await new Promise((done) => this.server?.close(done));
  }

  private async look(): Promise<void> {
    const asked = this.gateways.map(async (gateway) => {
      if (!gateway.alive) return [];
      const options = { signal: AbortSignal.timeout(2_000), headers: { connection: 'close' } };
      const ok = await fetch(`${gateway.url}/health/ready`, options).then((answer) => answer.ok, () => false); // prettier-ignore
      return ok ? [gateway] : [];
    });
    this.ready = (await Promise.all(asked)).flat();
  }

  private forward(near: Socket, passed = 0): void {
    near.on('error', () => near.destroy());
    const gateway = this.ready[(this.turn += 1) % Math.max(1, this.ready.length)];
    if (!gateway || passed > 5) return void near.destroy();
    const far = connect(Number(new URL(gateway.url).port), '127.0.0.1');
    let connected = false;
    far.once('connect', () => {
      connected = true;
      near.pipe(far).pipe(near);
    });
    far.on('error', () => (connected ? near.destroy() : this.forward(near, passed + 1)));
    for (const socket of [near, far]) {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    }
    near.once('close', () => far.destroy());
  }
}
