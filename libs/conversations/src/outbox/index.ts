export * from './deliveries.js';
export * from './entry.js';
export * from './horizon.js';
export * from './leases.js';
export * from './outbox.js';
export * from './partitions.js';
export * from './retention.js';
export * from './settler.js';
