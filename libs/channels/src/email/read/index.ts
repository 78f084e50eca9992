export type { ReadContext } from './context.js';
export type { ResolveTxt } from './dkim/resolve.js';
export { ReadingPool } from './pool.js';
export { openPart, readMail } from './read-mail.js';
