export { AUTOMATIC_REPLY, isOurId } from './automated.js';
export type { ReadContext } from './context.js';
export type { ResolveTxt } from './dkim/resolve.js';
export { originalPart } from './parts.js';
export { ReadingPool } from './pool.js';
export { openPart, readMail, type IncomingMail } from './read-mail.js';
export type { Report } from './report.js';
