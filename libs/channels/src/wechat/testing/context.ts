import { Readable } from 'node:stream';
import { addressGuard, guardedDial, type Http } from '#transport';
import type { AdapterContext } from '../../core/adapter.js';

export interface FakeContextOptions {
  readonly http: Http;
  /** What all processes share: values of `once` by their keys. */
  readonly shared?: Map<string, Promise<string>>;
  /** The bytes behind every file. */
  readonly file?: { readonly bytes: Buffer; readonly mimeType: string };
}

/** What an adapter is given, as far as tests need it: real HTTP, values shared in memory, one file. */
export function fakeContext<C>(config: C, { http, shared = new Map(), file }: FakeContextOptions): AdapterContext<C> {
  return {
    accountId: 'shop',
    config,
    session: undefined as never,
    callbackUrl: 'https://gateway.example/channels/shop',
    http,
    dial: guardedDial(addressGuard()),
    once(key, _ttlMs, make) {
      const value = shared.get(key) ?? make();
      shared.set(key, value);
      value.catch(() => shared.delete(key));
      return value;
    },
    forget: async (key) => void shared.delete(key),
    remember: async (key, value) => void shared.set(key, Promise.resolve(value)),
    recall: async (key) => shared.get(key),
    known: async () => [],
    openFile: async () => ({
      stream: Readable.from([file?.bytes ?? Buffer.alloc(0)]),
      mimeType: file?.mimeType ?? 'application/octet-stream',
    }),
    fileUrl: (id) => `https://files.example/${id}`,
    now: () => 0,
    signal: new AbortController().signal,
  };
}
