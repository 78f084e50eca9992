export * from './erase.js';
export * from './erasures.js';
export * from './audit.js';
export * from './export.js';
