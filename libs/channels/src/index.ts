export * from './core/adapter.js';
export * from './core/capabilities.js';
