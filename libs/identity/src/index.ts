export { IDENTITY_ENTITIES } from './entities.js';
export { Identity1700000000001 } from './migrations/0001-identity.js';
export * from './rebind.js';
export * from './queries/index.js';
