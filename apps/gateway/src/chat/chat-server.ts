import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { MAX_FRAME_BYTES } from '#channels';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { ChatConnection } from './chat-connection.js';
import type { ChatServerParts } from './chat-parts.js';
import { ChatSocket } from './chat-socket.js';
import { refuseUpgrade } from './chat-upgrades.js';
import { clientAddress } from './client-address.js';

const HEARTBEAT_MS = 30_000;
const HELLO_MS = 10_000;
/** How long browsers may take to hang up when the process stops. */
const FAREWELL_MS = 1_000;

/** The `/chat` endpoint: takes browsers' sockets, keeps count of them, and feels their pulse. No socket has a timer of its own. */
export class ChatServer {
  private readonly wss = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_FRAME_BYTES,
  });
  private readonly connections = new Set<ChatConnection>();
  /** Those who have not said hello yet, oldest first. */
  private readonly silent = new Map<ChatConnection, number>();
  private readonly perAddress = new Map<string, number>();
  private readonly address: (request: IncomingMessage) => string;
  private timers: NodeJS.Timeout[] = [];
  private stopping = false;

  private readonly parts: ChatServerParts;

  constructor(parts: ChatServerParts) {
    this.parts = { ...parts, crowd: () => this.size };
    this.address = clientAddress(parts.options.trustedProxies);
  }

  get size(): number {
    return this.connections.size;
  }

  start(): void {
    this.parts.feeds.start();
    const { heartbeatMs = HEARTBEAT_MS, helloMs = HELLO_MS } = this.parts;
    this.timers = [
      setInterval(() => this.beat(), heartbeatMs).unref(),
      setInterval(() => this.dismissSilent(Date.now() - helloMs), Math.min(1_000, helloMs)).unref(),
    ];
  }

  /** Sends everybody away, to come back in a while (1012), and stores what waits. */
  async stop(): Promise<void> {
    this.stopping = true;
    for (const timer of this.timers.splice(0)) clearInterval(timer);
    for (const connection of this.connections) connection.socket.close('restarting', 'restarting');
    const until = Date.now() + FAREWELL_MS;
    while (this.connections.size > 0 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const connection of this.connections) connection.socket.cut();
    await this.parts.feeds.stop();
  }

  /** An upgrade request for `/chat`. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const address = this.address(request);
    const open = this.perAddress.get(address) ?? 0;
    if (this.stopping) return refuseUpgrade(socket, '503 Service Unavailable', { 'Retry-After': 2 });
    if (open >= this.parts.options.connectionsPerAddress) {
      return refuseUpgrade(socket, '429 Too Many Requests', { 'Retry-After': 60 });
    }
    this.perAddress.set(address, open + 1);
    socket.once('close', () => this.forgetAddress(address));
    this.wss.handleUpgrade(request, socket, head, (ws) => this.accept(ws, request, address));
  }

  /** Looks again at whom accounts and origins let in. */
  review(): void {
    const now = Date.now() / 1_000;
    for (const connection of this.connections) connection.review(now);
  }

  private accept(ws: WebSocket, request: IncomingMessage, address: string): void {
    const { origin, host, 'accept-language': languages = '' } = request.headers;
    const language = /^[\w-]{2,35}/.exec(languages)?.[0];
    const connection = new ChatConnection(this.parts, new ChatSocket(ws), { origin, host, address, language });
    this.connections.add(connection);
    this.silent.set(connection, Date.now());
    ws.on('message', (data: RawData, binary: boolean) => {
      if (binary) connection.refuse('protocol', 'binary frames are not taken', 'protocol');
      else connection.receive(String(data as Buffer));
    });
    ws.on('pong', () => (connection.socket.alive = true));
    ws.on('error', () => undefined); // too large, or not UTF-8: `ws` closes with the code for it
    ws.on('close', () => {
      this.connections.delete(connection);
      this.silent.delete(connection);
      connection.end();
    });
  }

  private forgetAddress(address: string): void {
    const left = (this.perAddress.get(address) ?? 1) - 1;
    if (left > 0) this.perAddress.set(address, left);
    else this.perAddress.delete(address);
  }

  private beat(): void {
    this.review();
    for (const { socket } of this.connections) {
      if (!socket.alive) socket.cut();
      socket.alive = false;
      socket.ping();
    }
  }

  private dismissSilent(since: number): void {
    for (const [connection, at] of this.silent) {
      if (connection.session) this.silent.delete(connection);
      else if (at > since) return;
      else connection.refuse('protocol', 'there was no hello', 'protocol');
    }
  }
}
