export * from './http.js';
export * from './webhook.js';
