import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Capabilities, isDefinedChannel } from '#channels';
import { isDefinedConnector } from '#helpdesk';
import { describeSettings } from '#normalizer';
import semver from 'semver';
import { findPackage, type Found } from './find-package.js';
import { BUILTIN, type Kinds } from './kinds.js';

/** A package of the settings cannot be used: nothing is started without it. */
export class PackageProblem extends Error {
  override readonly name = 'PackageProblem';

  constructor(name: string, reason: string) {
    super(`the package ${name} cannot be used: ${reason}`);
  }
}

/** What a package exports, of either at least one. */
interface Exported {
  readonly channels?: unknown;
  readonly connectors?: unknown;
}

/** This very package, and so the kit that adapters have to be of. */
const OWN = ownManifest();

/**
 * Loads packages of adapters and connectors: installed ones by name, others by a path from the first of these folders. Resolves with all kinds, the built-in ones
 * first. Throws `PackageProblem` for the first one that is missing, broken, made for another version, or of a type that is taken.
 */
export async function loadPackages(names: readonly string[], from: readonly string[]): Promise<Kinds> {
  let kinds = BUILTIN;
  for (const name of names) {
    const loaded = await load(name, from);
    for (const what of ['adapters', 'connectors'] as const)
      for (const { type } of loaded[what])
        if (kinds[what].some((known) => known.type === type))
          throw new PackageProblem(name, `its type "${type}" is taken`);
    kinds = {
      adapters: [...kinds.adapters, ...loaded.adapters],
      connectors: [...kinds.connectors, ...loaded.connectors],
    };
  }
  return kinds;
}

async function load(name: string, from: readonly string[]): Promise<Kinds> {
  const refuse = (reason: string) => new PackageProblem(name, reason);
  const found = await findPackage(name, from).catch(() => Promise.reject(refuse('its package.json cannot be read')));
  if (!found)
    throw refuse(
      name.startsWith('.') ? `nothing is at ${name}` : 'it is not installed; npm install it beside the gateway',
    );
  checkVersion(found, refuse);
  const { channels = [], connectors = [] } = await run(found, refuse);
  if (!Array.isArray(channels) || !Array.isArray(connectors) || channels.length + connectors.length === 0)
    throw refuse('it exports neither a list `channels` nor a list `connectors`');
  const adapters = channels.map((one: unknown) => {
    if (!isDefinedChannel(one)) throw refuse(foreign('channels', 'defineChannel'));
    const fault = faultOfAdapter(one);
    if (fault) throw refuse(`the channel "${String(one.type)}" ${fault}`);
    return one;
  });
  const others = connectors.map((one: unknown) => {
    if (!isDefinedConnector(one)) throw refuse(foreign('connectors', 'defineConnector'));
    if (!isType(one.type) || typeof one.deliver !== 'function') throw refuse('a connector has no type or no deliver()');
    return one;
  });
  return { adapters, connectors: others };
}

function checkVersion({ manifest }: Found, refuse: (reason: string) => PackageProblem): void {
  const { [OWN.name]: range } = manifest.peerDependencies;
  if (range === undefined)
    throw refuse(
      `its package.json names no ${OWN.name} among its peerDependencies, so what it was made for is not known`,
    );
  if (!semver.satisfies(OWN.version, range, { includePrerelease: true }))
    throw refuse(`version ${manifest.version} is made for ${OWN.name} ${range}, and this is ${OWN.version}`);
}

async function run({ entry }: Found, refuse: (reason: string) => PackageProblem): Promise<Exported> {
  try {
    return (await import(pathToFileURL(entry).href)) as Exported;
  } catch (error) {
    throw refuse(`it cannot be loaded: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function foreign(list: string, define: string): string {
  return `an entry of \`${list}\` was not made by \`${define}\` of this gateway's kit: is there a second copy of ${OWN.name} below the package?`;
}

/** What would go wrong later, told at once; the conformance suite tells the rest. */
function faultOfAdapter(adapter: Kinds['adapters'][number]): string | null {
  const { type, title, config, capabilities, ingress, send } = adapter;
  if (!isType(type)) return 'has a type that is not in kebab-case';
  if (typeof title !== 'string' || typeof config?.safeParse !== 'function')
    return 'has no title, or settings that are no zod schema';
  if (describeSettings(config).length === 0) return 'has settings that are no object';
  if (!Capabilities.safeParse(capabilities).success) return 'has capabilities that are not of the documented form';
  if (typeof ingress !== 'object' || Object.values(ingress).every((way) => !way)) return 'has no way in';
  return typeof send === 'function' || ingress.hosted ? null : 'has no send()';
}

function isType(type: unknown): type is string {
  return typeof type === 'string' && /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(type);
}

/** The manifest of the package that this file is part of, as source and as built. */
function ownManifest(folder = import.meta.dirname): { readonly name: string; readonly version: string } {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name: string; version: string };
  } catch {
    return ownManifest(dirname(folder));
  }
}
