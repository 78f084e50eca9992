export { SharedCounts } from './shared-counts.js';
export { SharedLimit, type LimitOptions } from './shared-limit.js';
