export * from './failure.js';
export * from './handle.js';
export * from './ids.js';
export * from './inbound.js';
export * from './outbound.js';
export * from './parts.js';
export * from './reply.js';
export * from './stream.js';
