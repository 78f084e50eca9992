export { capabilities, capabilitiesOf } from './capabilities.js';
export { SmtpSession } from './connection.js';
export { sendMail } from './send.js';
