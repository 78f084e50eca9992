export { Directory, type Broken, type DirectoryParts } from './directory.js';
export { Outlet } from './outlet.js';
export { ProviderMedia } from './provider-media.js';
export type { RunningAccount, RunningDestination } from './running.js';
export { SharedValues } from './shared-values.js';
export { TraceWriter, type Trace } from './trace-writer.js';
