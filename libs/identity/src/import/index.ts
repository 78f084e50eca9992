export type { ImportKind, UnknownColumns } from './columns.js';
export * from './imports.js';
export { readItems, readRows, type ImportFormat, type ReadOptions } from './read-rows.js';
export { CompanyRow, ContactRow } from './row.js';
export type { ReadyRow, RowFault } from './row.js';
export * from './run-import.js';
