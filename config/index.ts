export { Environment } from './environment.js';
export {
  listeningUrl,
  loadSettings,
  readPackages,
  type ConfigSchemas,
  type LoadOptions,
  type Settings,
} from './load.js';
export { SettingsError, type Problem } from './problem.js';
export { settingsReference } from './reference.js';
export { Routing } from './routing.js';
export { Duration, LOG_LEVELS, SettingsFile, SettingsId, AccountSettings, DestinationSettings } from './schema.js';
