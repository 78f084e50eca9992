export { IDENTITY_ENTITIES } from './entities.js';
export { Identity1700000000001 } from './migrations/0001-identity.js';
export * from './codes/codes.js';
export * from './merge.js';
export * from './prove.js';
export * from './rebind.js';
export * from './queries/index.js';
