export { Live } from './live.js';
export { NO_SESSIONS, type Observation, type Sessions } from './ports.js';
export { Probes } from './probes.js';
export { reconcile } from './reconcile.js';
export { RelayProcess, type RelayOptions } from './relay-process.js';
export { Scheduler, type DueWork, type SchedulerParts } from './scheduler.js';
