import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

/**
 * `open`: lets everything pass. `mute`: takes everything and lets no answer through. `reset`: lets one more message through to the server, and
 * tears the connection down before the answer. `shut`: refuses new connections after the handshake of TCP, and resets those that stand.
 */
export type GateMode = 'open' | 'mute' | 'reset' | 'shut';

/** A way in to a server that can go bad, as networks do. Whoever goes through it needs no other address. */
export interface Gate {
  readonly port: number;
  /** Connections that stand now, and how many ever came. */
  readonly standing: number;
  readonly opened: number;
  /** Leads to this port of 127.0.0.1 from now on. */
  lead(port: number): void;
  set(mode: GateMode): void;
  /** Resets every connection that stands. */
  cut(): void;
  close(): Promise<void>;
}

/** Opens a gate on a free port of 127.0.0.1. */
export async function openGate(): Promise<Gate> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let [mode, target, opened]: [GateMode, number, number] = ['open', 1, 0];
  const server = createServer((client) => {
    opened += 1;
    if (mode === 'shut') return void client.resetAndDestroy();
    const inner = connect(target, '127.0.0.1');
    const pair = [client, inner] as const;
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      for (const socket of pair) socket.destroy();
    };
    for (const socket of pair) socket.setNoDelay(true).on('error', end).on('close', end);
    client.on('data', (chunk: Buffer) => {
      inner.write(chunk);
      if (mode === 'reset') setTimeout(() => client.resetAndDestroy(), 20);
    });
    inner.on('data', (chunk: Buffer) => (mode === 'open' || mode === 'shut') && client.write(chunk));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const cut = (): void => pairs.forEach(([client]) => client.resetAndDestroy());
  return {
    port: (server.address() as AddressInfo).port,
    get standing() {
      return pairs.size;
    },
    get opened() {
      return opened;
    },
    lead: (port) => (target = port),
    set(next) {
      mode = next;
      if (next === 'shut') cut();
    },
    cut,
    close: () => {
      const closed = new Promise<void>((done) => server.close(() => done()));
      cut();
      return closed;
    },
  };
}
