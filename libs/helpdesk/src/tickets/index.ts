export * from './answers.js';
export * from './call.js';
export { htmlText } from './html.js';
export * from './marks.js';
export { openAt, openLinked } from './open-file.js';
export * from './settings.js';
export * from './system.js';
export { ticketConnector } from './ticket-connector.js';
export * from './sweep.js';
