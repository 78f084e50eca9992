export { builtinConnectors } from './builtin.js';
export * from './core/connector.js';
export * from './core/retry.js';
