export * from './context.js';
export * from './fake-wechat.js';
export * from './seal.js';
