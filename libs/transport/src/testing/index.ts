export * from './certificate.js';
export * from './checks.js';
export * from './fake-provider.js';
export * from './hostile-bodies.js';
export * from './recorded-request.js';
