export { type Database, type DatabaseOptions, type Sql, type Statement } from './database.js';
export { DatabaseUnavailable, DataFolderBusy, isTransient } from './errors.js';
export { FolderLock } from './embedded/folder-lock.js';
export { openDatabase } from './open.js';
export { type SyncPolicy } from './embedded/syncing.js';
export { DamagedArchive, readTar, tarEnd, tarEntry, type TarEntry } from './archive/tar.js';
export * from './transfer/index.js';
