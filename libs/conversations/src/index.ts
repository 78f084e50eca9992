export * from './intake/intake.js';
export * from './media/index.js';
export * from './outbox/index.js';
export * from './ports.js';
export * from './present.js';
export * from './reply/replies.js';
export * from './reply/schedule.js';
export * from './settings/index.js';
export { Store1700000000002 } from './migrations/0001-store.js';
