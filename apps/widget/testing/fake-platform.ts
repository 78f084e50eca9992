import { memoryStorage } from '../src/engine/browser.js';
import type { KeyValue, Platform, Socket } from '../src/engine/platform.js';
import type { Uploaded, UploadRequest } from '../src/engine/upload.js';
import type { ClientFrame, ServerFrame, Welcome } from '../src/engine/wire.js';

/** A socket whose other end is the test. */
export class FakeSocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly sent: ClientFrame[] = [];
  closed = false;

  constructor(readonly url: string) {}

  send(data: string): void {
    this.sent.push(JSON.parse(data) as ClientFrame);
  }

  close(): void {
    this.closed = true;
  }

  open(): void {
    this.onopen?.();
  }

  say(...frames: ServerFrame[]): void {
    for (const frame of frames) this.onmessage?.({ data: JSON.stringify(frame) });
  }

  drop(code = 1_006): void {
    this.onclose?.({ code });
  }

  of<T extends ClientFrame['type']>(type: T): Extract<ClientFrame, { type: T }>[] {
    return this.sent.filter((frame): frame is Extract<ClientFrame, { type: T }> => frame.type === type);
  }
}

/** A world whose clock, network and storage the test holds in its hand. */
export class FakePlatform implements Platform {
  readonly sockets: FakeSocket[] = [];
  readonly uploads: UploadRequest[] = [];
  readonly storage: KeyValue;
  time = 1_000_000;
  chance = 0.5;
  uploadAnswer: () => Promise<Uploaded> = () => Promise.reject(new Error('network'));
  private readonly timers = new Set<{ at: number; run: () => void }>();
  private readonly storageWatchers: ((key: string | null) => void)[] = [];
  private ids = 0;

  constructor(storage: KeyValue = memoryStorage()) {
    this.storage = storage;
  }

  connect(url: string): Socket {
    const socket = new FakeSocket(url);
    this.sockets.push(socket);
    return socket;
  }

  get socket(): FakeSocket {
    return this.sockets[this.sockets.length - 1]!;
  }

  onStorage(run: (key: string | null) => void): void {
    this.storageWatchers.push(run);
  }

  /** What a browser does in one tab after another has written. */
  otherTabWrote(key: string | null): void {
    for (const run of this.storageWatchers) run(key);
  }

  now(): number {
    return this.time;
  }

  random(): number {
    return this.chance;
  }

  uuid(): string {
    return `00000000-0000-4000-8000-${String(++this.ids).padStart(12, '0')}`;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.time + ms, run };
    this.timers.add(timer);
    return () => void this.timers.delete(timer);
  }

  /** Lets time pass; what falls due runs in its order. */
  pass(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const due = [...this.timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.timers.delete(due);
      this.time = due.at;
      due.run();
    }
    this.time = end;
  }

  upload(request: UploadRequest): Promise<Uploaded> {
    this.uploads.push(request);
    return this.uploadAnswer();
  }
}

/** A `welcome` as a gateway would give it to a new visitor. */
export function welcome(patch: Partial<Welcome> = {}): Welcome {
  const counts = { last: 0, unread: 0, readUpTo: 0, reconnect: { minMs: 100, maxMs: 300 } };
  const limits = { text: 20_000, fileBytes: 1_000_000, mimeTypes: [] };
  return { type: 'welcome', session: 's1', threadId: null, fresh: true, user: null, ...counts, limits, ...patch };
}

/** A stored message; the visitor's own by default. */
export function message(seq: number, patch: Partial<Extract<ServerFrame, { type: 'message' }>> = {}) {
  const text = `text ${seq}`;
  const common = { type: 'message', from: 'me', name: null, status: 'sent', at: '2026-11-21T09:30:00.000Z' } as const;
  return { ...common, seq, id: `msg_${seq}`, text, parts: [{ type: 'text' as const, text }], ...patch };
}
