import type { UploadRequest, Uploaded } from './upload.js';

/** The part of a WebSocket that the engine uses. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  send(data: string): void;
  close(): void;
}

/** Text by key that outlives the page where the browser allows it. Never throws. */
export interface KeyValue {
  get(key: string): string | null;
  set(key: string, value: string): void;
  remove(key: string): void;
  keys(): string[];
}

/** Everything of the outside world that the engine touches; a test puts its own in place. */
export interface Platform {
  connect(url: string): Socket;
  storage: KeyValue;
  /** Calls `run` with the key that another tab has changed; null when it cleared all. */
  onStorage(run: (key: string | null) => void): void;
  /** Milliseconds since 1970. */
  now(): number;
  /** 0 (inclusive) to 1 (exclusive). */
  random(): number;
  uuid(): string;
  /** Runs `run` once after `ms`; what it returns cancels that. */
  after(ms: number, run: () => void): () => void;
  /** Rejects with `UploadRefused`, or with any other error where the network failed. */
  upload(request: UploadRequest): Promise<Uploaded>;
}
