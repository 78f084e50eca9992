export * from './companies.js';
export * from './contacts.js';
export * from './handles.js';
export * from './conflicts.js';
export * from './journal.js';
export * from './suggestions.js';
