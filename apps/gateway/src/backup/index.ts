export { Unusable } from './archive.js';
export { backUp, type Backup, type BackupOptions } from './backup.js';
export { type Manifest } from './manifest.js';
export { restore, type Restored, type RestoreOptions } from './restore.js';
