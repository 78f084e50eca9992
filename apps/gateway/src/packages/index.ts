import { dirname } from 'node:path';
import { loadSettings, readPackages, type Settings } from '#config';
import { schemasOf, type Kinds } from './kinds.js';
import { loadPackages } from './load-packages.js';

export { BUILTIN, schemasOf, type Kinds } from './kinds.js';
export { loadPackages, PackageProblem } from './load-packages.js';

/**
 * The settings, with the packages that they name loaded: from beside the settings file, the working folder or the gateway. Throws `SettingsError` and
 * `PackageProblem`.
 */
export async function openSettings(env: NodeJS.ProcessEnv): Promise<{ settings: Settings; kinds: Kinds }> {
  const { file, packages } = readPackages(env);
  const kinds = await loadPackages(packages, [dirname(file), process.cwd(), import.meta.dirname]);
  return { settings: loadSettings({ env, ...schemasOf(kinds) }), kinds };
}
