import { closeSync, fdatasyncSync, fsyncSync, openSync } from 'node:fs';

/**
 * When a commit is on the disk: before it is answered (`commit`), or within `BACKGROUND_MS` of that (`background`), which is faster. A killed
 * process loses nothing either way. A power cut loses nothing, or at most what was answered within that time; the database opens either way.
 */
export type SyncPolicy = 'commit' | 'background';

/** How long a commit may wait for the disk in the background. */
export const BACKGROUND_MS = 500;

export interface SyncingOptions {
  readonly sync?: SyncPolicy | undefined;
  /** Called after each file that was put on the disk: with `commit` at least once per commit. */
  readonly onSync?: () => void;
  /** Called when the disk refuses what was already answered. */
  readonly onFatal: (reason: string) => void;
}

/** A segment of the log under its final name; one that is still being made has another name and is always synced at once. */
const LOG_SEGMENT = /\/pg_wal\/[0-9A-F]{24}$/;

/**
 * Gives the file system of PGlite, which cannot sync, a sync. In the background only the log is late, and everything else that Postgres does to a
 * file waits for it: so the log is always on the disk before what it tells of, as Postgres itself takes care of when it syncs.
 */
export function addSyncing(files: NodeFiles, { sync = 'commit', onSync, onFatal }: SyncingOptions): void {
  const late = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  const syncPath = (path: string, put: (descriptor: number) => void): void => {
    const descriptor = openSync(path, 'r');
    try {
      put(descriptor);
    } finally {
      closeSync(descriptor);
    }
    onSync?.();
  };
  const catchUp = (): void => {
    clearTimeout(timer);
    timer = undefined;
    for (const path of late) {
      syncPath(path, fdatasyncSync);
      late.delete(path);
    }
  };
  const postpone = (path: string): void => {
    late.add(path);
    timer ??= setTimeout(() => {
      try {
        catchUp();
      } catch (error) {
        onFatal(`what was answered cannot be put on the disk: ${String(error)}`);
      }
    }, BACKGROUND_MS);
  };

  files.stream_ops.fsync = (stream) => {
    const path = files.realPath(stream.node);
    files.tryFSOperation(() => {
      if (sync === 'background' && LOG_SEGMENT.test(path)) return postpone(path);
      if (stream.nfd === undefined) return syncFolder(path, syncPath);
      fdatasyncSync(stream.nfd);
      onSync?.();
    });
    return 0;
  };
  if (sync === 'background') orderAfter(files, () => late.size > 0 && files.tryFSOperation(catchUp));
}

/** A stream of a folder has no descriptor. Windows cannot open one. */
function syncFolder(path: string, syncPath: (path: string, put: (descriptor: number) => void) => void): void {
  if (process.platform !== 'win32') syncPath(path, fsyncSync);
}

/** Runs `first` before every change of a file that is not the log being written. */
function orderAfter(files: NodeFiles, first: () => void): void {
  const { write } = files.stream_ops;
  files.stream_ops.write = (...call) => {
    if (!LOG_SEGMENT.test(files.realPath(call[0].node))) first();
    return write(...call);
  };
  for (const name of ['unlink', 'rename', 'setattr'] as const) {
    const change = files.node_ops[name];
    files.node_ops[name] = (...call) => {
      first();
      return change(...call);
    };
  }
}

/** What is touched inside Emscripten's NODEFS; not public, so the version is pinned and a test watches that the hook is called. */
export interface NodeFiles {
  /** Turns errors of Node into errno values that Postgres understands. */
  tryFSOperation<T>(operation: () => T): T;
  realPath(node: object): string;
  readonly stream_ops: {
    fsync?: (stream: Stream) => number;
    write: (stream: Stream, ...rest: unknown[]) => number;
  };
  readonly node_ops: Record<'unlink' | 'rename' | 'setattr', (...call: unknown[]) => void>;
}

interface Stream {
  readonly node: object;
  /** The descriptor of Node; folders have none. */
  readonly nfd?: number;
}
