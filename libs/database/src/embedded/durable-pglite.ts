import { PGlite } from '@electric-sql/pglite';
import { NodeFS } from '@electric-sql/pglite/nodefs';
import { addSyncing, type NodeFiles, type SyncingOptions } from './syncing.js';

export interface DurableOptions extends SyncingOptions {
  /** Called when the engine cannot go on: a panic, or the end of its only session. It must end the thread: the engine would spin. */
  readonly onFatal: (reason: string) => void;
}

/** Postgres calls `fsync`, and `addSyncing` answers it; what it calls by default, fdatasync, is a stub in the WASM build. */
const START_PARAMETERS = [
  ...PGlite.defaultStartParams.filter((parameter) => parameter !== '-F'),
  ...['-c', 'fsync=on', '-c', 'wal_sync_method=fsync', '-c', 'shared_buffers=32MB'],
];

const LOG_LINE = /^\S+ \S+ \S+ \[\d+\] (?:FATAL|PANIC): {2}(.*)/;

/**
 * Opens the database in `folder`, made by initdb where there is none, so that a commit is on the disk when it is answered. PGlite by
 * itself never syncs: it starts with `-F`, and its file system has no fsync.
 */
export function openDurable(folder: string, options: DurableOptions): Promise<PGlite> {
  return PGlite.create({
    fs: new SyncingFiles(folder, options),
    startParams: START_PARAMETERS,
    onStderr(line) {
      const fatal = LOG_LINE.exec(line)?.[1];
      if (fatal !== undefined) options.onFatal(fatal);
      return false;
    },
  });
}

class SyncingFiles extends NodeFS {
  readonly #options: DurableOptions;

  constructor(folder: string, options: DurableOptions) {
    super(folder);
    this.#options = options;
  }

  override async init(...[database, given]: Parameters<NodeFS['init']>): ReturnType<NodeFS['init']> {
    const { emscriptenOpts } = await super.init(database, given);
    const { onFatal } = this.#options;
    const addSync = (module: unknown): void => addSyncing((module as { NODEFS: NodeFiles }).NODEFS, this.#options);
    return {
      emscriptenOpts: {
        ...emscriptenOpts,
        onAbort: (reason: unknown) => onFatal(`aborted ${String(reason)}`),
        preRun: [...(emscriptenOpts.preRun ?? []), addSync],
      },
    };
  }
}
