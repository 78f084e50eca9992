import { ProviderFailure } from '#normalizer';
import type { Puppet } from 'wechaty-puppet';
import type { WechatyConfig } from './wechaty.config.js';

/** Imports an npm package. */
export type Load = (name: string) => Promise<unknown>;
type PuppetClass = new (options: Record<string, unknown>) => Puppet;

/**
 * The puppet that the settings name, made of its package's default export. An instance and not a name is given to wechaty, which would otherwise look into the
 * environment. Throws `config-invalid`; what the package itself says is not repeated, since it may name secrets.
 */
export async function makePuppet(config: WechatyConfig, load: Load): Promise<Puppet> {
  const Made = await puppetClass(config.puppet, load);
  try {
    return new Made({ ...config.puppetOptions, ...config.credentials });
  } catch {
    throw invalid(`${config.puppet} refuses its options: see the README of that package`);
  }
}

async function puppetClass(name: string, load: Load): Promise<PuppetClass> {
  const loaded = await load(name).catch((error: unknown) => {
    const missing = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes((error as { code?: string }).code ?? '');
    const why = missing ? `is not installed, or not completely: run "npm install ${name}"` : 'cannot be loaded';
    throw invalid(`the package ${name} ${why}`);
  });
  const outer = defaultOf(loaded);
  const found = typeof outer === 'function' ? outer : defaultOf(outer);
  if (typeof found !== 'function') throw invalid(`the package ${name} exports no puppet`);
  return found as PuppetClass;
}

/** CommonJS packages hold their default export one level deeper. */
function defaultOf(loaded: unknown): unknown {
  return typeof loaded === 'object' && loaded !== null ? (loaded as { default?: unknown }).default : undefined;
}

function invalid(message: string): ProviderFailure {
  return new ProviderFailure('config-invalid', message);
}
