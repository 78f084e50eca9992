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
/** What a package may take for being loaded. One that waits for ever would end the process without a word. */
const LOAD_MS = 30_000;

/**
 * Loads packages of adapters and connectors: installed ones by name, others by a path from the first of these folders. Resolves with all kinds, the built-in ones
 * first. Throws `PackageProblem` for the first one that is missing, broken, made for another version, or of a type that is taken.
 */
export async function loadPackages(
  names: readonly string[],
  from: readonly string[],
  withinMs = LOAD_MS,
): Promise<Kinds> {
  let kinds = BUILTIN;
  for (const name of names) {
    const loaded = await load(name, from, withinMs);
    const { adapters, connectors } = kinds;
    kinds = { adapters: [...adapters, ...loaded.adapters], connectors: [...connectors, ...loaded.connectors] };
    const taken = twice(kinds.adapters) ?? twice(kinds.connectors);
    if (taken !== undefined) throw new PackageProblem(name, `its type "${taken}" is taken`);
  }
  return kinds;
}

function twice(kinds: readonly { readonly type: string }[]): string | undefined {
  return kinds.find(({ type }, i) => kinds.findIndex((other) => other.type === type) < i)?.type;
}

async function load(name: string, from: readonly string[], withinMs: number): Promise<Kinds> {
  const refuse = (reason: string) => new PackageProblem(name, reason);
  const found = await findPackage(name, from).catch(() => Promise.reject(refuse('its package.json cannot be read')));
  if (!found)
    throw refuse(
      name.startsWith('.') ? `nothing is at ${name}` : 'it is not installed; npm install it beside the gateway',
    );
  checkVersion(found, refuse);
  const { channels = [], connectors = [] } = await run(found, refuse, withinMs);
  if (!Array.isArray(channels) || !Array.isArray(connectors) || channels.length + connectors.length === 0)
    throw refuse('it exports neither a list `channels` nor a list `connectors`');
  const adapters = channels.map((one: unknown) => {
    if (!isDefinedChannel(one)) throw refuse(foreign('channels', 'defineChannel'));
    const fault = faultIn(() => faultOfAdapter(one));
    if (fault) throw refuse(`a channel ${fault}`);
    return one;
  });
  const others = connectors.map((one: unknown) => {
    if (!isDefinedConnector(one)) throw refuse(foreign('connectors', 'defineConnector'));
    const fault = faultIn(() => faultOfConnector(one));
    if (fault) throw refuse(`a connector ${fault}`);
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

async function run({ entry }: Found, refuse: (reason: string) => PackageProblem, withinMs: number): Promise<Exported> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it is not done after ${withinMs} ms`)), withinMs);
  });
  try {
    return (await Promise.race([import(pathToFileURL(entry).href), late])) as Exported;
  } catch (error) {
    throw refuse(`it cannot be loaded: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    clearTimeout(timer);
  }
}

function foreign(list: string, define: string): string {
  return `an entry of \`${list}\` was not made by \`${define}\` of this gateway's kit: is there a second copy of ${OWN.name} below the package?`;
}

function faultIn(look: () => string | null): string | null {
  try {
    return look();
  } catch (error) {
    return `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** What would go wrong later, told at once; the conformance suite tells the rest. */
function faultOfAdapter(adapter: Kinds['adapters'][number]): string | null {
  const { type, capabilities, ingress, send } = adapter;
  const named = faultOfNames(adapter);
  if (named) return named;
  if (!Capabilities.safeParse(capabilities).success)
    return `"${type}" has capabilities that are not of the documented form`;
  if (typeof ingress !== 'object' || !ingress || Object.values(ingress).every((way) => !way))
    return `"${type}" has no way in`;
  const { webhook, poll, socket, hosted } = ingress;
  if (webhook && !(isFunction(webhook.verify) && isFunction(webhook.parse)))
    return `"${type}" has a webhook without verify() and parse()`;
  if (poll && !isFunction(poll.poll)) return `"${type}" has a poll without poll()`;
  if (socket && !isFunction(socket.open)) return `"${type}" has a socket without open()`;
  return isFunction(send) || hosted ? null : `"${type}" has no send()`;
}

function faultOfConnector(connector: Kinds['connectors'][number]): string | null {
  const named = faultOfNames(connector);
  if (named) return named;
  const { type, capabilities, deliver } = connector;
  if (!(capabilities?.batch >= 1)) return `"${type}" has capabilities without a batch`;
  return isFunction(deliver) ? null : `"${type}" has no deliver()`;
}

/** What channels and connectors have alike. */
function faultOfNames({
  type,
  title,
  config,
}: Pick<Kinds['adapters'][number], 'type' | 'title' | 'config'>): string | null {
  if (!isType(type)) return 'has a type that is not in kebab-case';
  if (typeof title !== 'string' || !isFunction(config?.safeParse))
    return `"${type}" has no title, or settings that are no zod schema`;
  return describeSettings(config).length === 0 ? `"${type}" has settings that are no object` : null;
}

function isFunction(member: unknown): boolean {
  return typeof member === 'function';
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
