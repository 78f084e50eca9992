export * from './accounts.js';
export * from './destinations.js';
export { keyFile } from './key-file.js';
export { type Config } from './sealed-config.js';
export { Unsealable, Vault, WrongSecretKey, type SecretPlace } from './vault.js';
export * from './policy.js';
