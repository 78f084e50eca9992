export { LocalHints, type HintListener } from './local-hints.js';
export { postgresLine } from './postgres-line.js';
export { redisLine } from './redis-line.js';
export { SharedHints, type SharedHintsTimes } from './shared-hints.js';
export type { Line, OpenLine } from './line.js';
