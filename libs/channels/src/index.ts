export * from './core/adapter.js';
export * from './core/capabilities.js';
export * from './core/define.js';
export * from './core/fit.js';
export { builtinAdapters } from './builtin.js';
export * from './webchat/protocol.js';
export { webchat } from './webchat/webchat.adapter.js';
export type { PrechatConfig, WebchatConfig } from './webchat/webchat.config.js';
