export * from './fake-wechat.js';
export * from './seal.js';
