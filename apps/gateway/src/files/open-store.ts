import { join } from 'node:path';
import type { Settings } from '#config';
import { LocalFileStore, S3FileStore, sweepIncoming, type FileStore } from '#conversations';

/** The file store of the settings, swept of what a crash left half received. */
export function openFileStore(settings: Settings['files'], dataDir: string): FileStore {
  const store =
    settings.store === 's3'
      ? new S3FileStore(settings, join(dataDir, 'incoming'))
      : new LocalFileStore(settings.dir ?? join(dataDir, 'files'));
  void sweepIncoming(store.incoming, Date.now()).catch(() => undefined);
  return store;
}
