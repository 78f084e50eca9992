export * from './fake-chat-server.js';
export * from './host-page.js';
export * from './multipart.js';
export * from './fake-helpdesk.js';
