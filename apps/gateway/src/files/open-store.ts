import { join } from 'node:path';
import type { Settings } from '#config';
import { LocalFileStore, S3FileStore, type FileStore } from '#conversations';

/** The file store of the settings. */
export function openFileStore(settings: Settings['files'], dataDir: string): FileStore {
  if (settings.store === 's3') return new S3FileStore(settings);
  const store = new LocalFileStore(settings.dir ?? join(dataDir, 'files'));
  void store.sweep(Date.now()).catch(() => undefined);
  return store;
}
