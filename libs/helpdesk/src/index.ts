export { builtinConnectors } from './builtin.js';
export * from './core/connector.js';
export { Holdings } from './core/holdings.js';
export * from './core/retry.js';
