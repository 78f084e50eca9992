import type { Files, FileRow } from '#conversations';
import type { Database } from '#database';

const LOOK_MS = 1_000;
/** More than this are told to come again at once: each one holds a connection. */
const MAX_WAITING = 200;

/** Waits for files whose bytes are on their way. */
export class FileWaiting {
  private waiting = 0;

  constructor(
    private readonly database: Database,
    private readonly files: Files,
    /** Longest wait, milliseconds. */
    private readonly patienceMs = 25_000,
  ) {}

  /** The row once it is settled; as it stands after the longest wait, or when the caller hangs up; undefined where there is no such file. */
  async settled(fileId: string, signal: AbortSignal): Promise<FileRow | undefined> {
    let [row] = await this.files.find([fileId]);
    if (row?.state !== 'pending' || this.waiting >= MAX_WAITING) return row;
    this.waiting += 1;
    const until = Date.now() + this.patienceMs;
    try {
      while (row?.state === 'pending' && Date.now() < until && !signal.aborted) {
        await this.news(fileId, signal, Math.min(LOOK_MS, until - Date.now()));
        [row] = await this.files.find([fileId]);
      }
      return row;
    } finally {
      this.waiting -= 1;
    }
  }

  private news(fileId: string, signal: AbortSignal, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        stop();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      const stop = this.database.onHint('file', (id) => id === fileId && done());
      signal.addEventListener('abort', done);
    });
  }
}
