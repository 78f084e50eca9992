export * from './core/adapter.js';
export * from './core/capabilities.js';
export * from './core/fit.js';
export { builtinAdapters } from './builtin.js';
