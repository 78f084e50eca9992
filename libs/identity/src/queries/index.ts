export * from './companies.js';
export * from './contacts.js';
export * from './handles.js';
