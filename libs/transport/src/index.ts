export * from './answers.js';
export * from './guard.js';
export * from './guarded-http.js';
export * from './http.js';
export * from './json-body.js';
export * from './redact.js';
export * from './standard-webhooks.js';
export * from './webhook.js';
export { rebase } from './payload.js';
