export { builtinConnectors } from './builtin.js';
export * from './core/connector.js';
export * from './core/define.js';
export { Holdings } from './core/holdings.js';
export * from './core/retry.js';
export { ticketConnector } from './tickets/index.js';
export type { TicketSystem } from './tickets/index.js';
