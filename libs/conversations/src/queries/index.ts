export * from './api-keys.js';
export * from './change-conversation.js';
export * from './contacts.js';
export * from './conversations.js';
export * from './events.js';
export * from './known-messages.js';
export * from './messages.js';
export * from './references.js';
export { type VisibleAccounts } from './scope.js';
