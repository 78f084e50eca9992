import type { Platform, Socket } from './platform.js';
import { CLOSE, type ClientFrame, type ServerFrame } from './wire.js';

/** After this much silence a ping is sent, and after this much more without any frame the socket is taken for dead. */
const SILENCE_MS = 25_000;
const PATIENCE_MS = 10_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

export interface ConnectionEvents {
  /** The socket is open: say hello. */
  open(): void;
  frame(frame: ServerFrame): void;
  /** The socket is gone, or could not be had: the close code, 0 where there is none. */
  lost(code: number): void;
}

/** One socket at a time, made anew whenever it is lost: with back-off, jitter and the waiting time that the gateway asked for. */
export class Connection {
  private socket: Socket | null = null;
  private failures = 0;
  private hint = { minMs: 0, maxMs: 0 };
  private cancelRetry: (() => void) | null = null;
  private cancelBeat: (() => void) | null = null;
  private wanted = false;

  constructor(
    private readonly url: string,
    private readonly platform: Platform,
    private readonly on: ConnectionEvents,
  ) {}

  /** Connects now, unless connected or connecting already. */
  start(): void {
    this.wanted = true;
    this.cancelRetry?.();
    this.cancelRetry = null;
    if (this.socket) return;
    let socket: Socket;
    try {
      socket = this.platform.connect(this.url);
    } catch {
      this.wanted = false;
      return this.on.lost(0);
    }
    this.socket = socket;
    socket.onopen = () => {
      if (this.socket !== socket) return;
      this.beat();
      this.on.open();
    };
    socket.onmessage = ({ data }) => this.socket === socket && this.receive(data);
    socket.onclose = ({ code }) => this.socket === socket && this.dropped(code);
  }

  /** Closes the socket and stays away until the next `start`. */
  stop(): void {
    this.wanted = false;
    this.release();
  }

  /** Lets the socket go and connects anew at once. */
  restart(): void {
    this.release();
    this.start();
  }

  /** The browser lost its network: the socket is dead though it may not know it yet. Tries go on, since the gateway may be on this machine. */
  networkLost(): void {
    if (this.socket) this.dropped(0);
  }

  /** The gateway has answered: what counts for the next waiting time starts afresh. */
  settled(hint: { minMs: number; maxMs: number }): void {
    this.failures = 0;
    this.hint = hint;
  }

  /** Whether the frame was handed to an open socket. */
  send(frame: ClientFrame): boolean {
    try {
      this.socket?.send(JSON.stringify(frame));
      return this.socket !== null;
    } catch {
      return false;
    }
  }

  /** Asks for a sign of life now: a laptop that has slept holds a socket that is long dead. */
  probe(): void {
    if (this.socket) this.ping();
    else this.start();
  }

  private receive(data: unknown): void {
    this.beat();
    let frame: ServerFrame;
    try {
      frame = JSON.parse(String(data)) as ServerFrame;
    } catch {
      return;
    }
    this.on.frame(frame);
  }

  private beat(): void {
    this.cancelBeat?.();
    this.cancelBeat = this.platform.after(SILENCE_MS, () => this.ping());
  }

  private ping(): void {
    this.send({ type: 'ping' });
    this.cancelBeat?.();
    this.cancelBeat = this.platform.after(PATIENCE_MS, () => {
      this.dropped(0);
    });
  }

  private dropped(code: number): void {
    this.release();
    const final = code === CLOSE.policy || code === CLOSE.replaced;
    if (final) this.wanted = false;
    if (this.wanted) this.retry(code);
    this.on.lost(code);
  }

  private retry(code: number): void {
    const { minMs, maxMs } = this.hint;
    const asked =
      this.failures === 0 || code === CLOSE.restarting ? minMs + this.platform.random() * (maxMs - minMs) : 0;
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.failures);
    const own = this.failures === 0 ? 0 : longest * (0.5 + this.platform.random() / 2);
    this.failures++;
    this.cancelRetry = this.platform.after(Math.max(asked, own), () => this.start());
  }

  private release(): void {
    const socket = this.socket;
    this.socket = null;
    this.cancelBeat?.();
    this.cancelRetry?.();
    this.cancelBeat = this.cancelRetry = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}
