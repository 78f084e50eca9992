export { capabilities, capabilitiesOf } from './capabilities.js';
export { sendUnit } from './send.js';
