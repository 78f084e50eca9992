import type { KeyValue, Platform, Socket } from './platform.js';
import { upload } from './upload.js';

/** The real browser. Storage falls back to memory where the page may not use localStorage. */
export function browserPlatform(): Platform {
  return {
    connect: (url) => new WebSocket(url) as Socket,
    storage: browserStorage(),
    onStorage: (run) => addEventListener('storage', (event) => run(event.key)),
    now: () => Date.now(),
    random: () => Math.random(),
    uuid,
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    upload,
  };
}

/** A random UUID; `crypto.randomUUID` is missing on pages without TLS. */
export function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function browserStorage(): KeyValue {
  try {
    const storage = window.localStorage;
    storage.setItem('tributary:probe', '1');
    storage.removeItem('tributary:probe');
    return {
      get: (key) => storage.getItem(key),
      set: (key, value) => attempt(() => storage.setItem(key, value)),
      remove: (key) => storage.removeItem(key),
      keys: () => Object.keys(storage),
    };
  } catch {
    return memoryStorage();
  }
}

/** A full quota loses persistence, never the chat. */
function attempt(write: () => void): void {
  try {
    write();
  } catch {
    return;
  }
}

/** Storage that lasts as long as the page. */
export function memoryStorage(): KeyValue {
  const map = new Map<string, string>();
  return {
    get: (key) => map.get(key) ?? null,
    set: (key, value) => void map.set(key, value),
    remove: (key) => void map.delete(key),
    keys: () => [...map.keys()],
  };
}
