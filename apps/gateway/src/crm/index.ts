export { Crm, type Refreshed } from './crm.js';
