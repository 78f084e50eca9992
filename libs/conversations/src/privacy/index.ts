export * from './erase.js';
export * from './erasures.js';
