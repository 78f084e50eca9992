export * from './context.js';
export * from './fake-wechat.js';
export * from './fake-wecom-kf.js';
export * from './mutations.js';
export * from './seal.js';
