import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import ipaddr from 'ipaddr.js';
import { buildConnector } from 'undici';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = [Address, number];

/** Cloud metadata services (AWS, GCP, Azure; AWS over IPv6; Aliyun): refused even where a listed range covers them. */
const METADATA = ['169.254.169.254', 'fd00:ec2::254', '100.100.100.200'];

/** The only block of IPv6 that is allocated for global unicast (RFC 4291, 2.4). */
const GLOBAL_UNICAST = ipaddr.parseCIDR('2000::/3') as [ipaddr.IPv6, number];

/** A connection that the guard refused. The message names the host and the address, never a URL. */
export class BlockedAddress extends Error {
  override readonly name = 'BlockedAddress';
}

/** Turns a name into all of its addresses; `dns.lookup` by default. */
export type Resolve = (
  hostname: string,
  options: { readonly all: true },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** Decides by address, not by name: what a name resolves to is judged, in the very lookup that the connection uses. */
export interface AddressGuard {
  /** Why this address may not be connected to, or null. */
  refusal(address: string): string | null;
}

/**
 * A guard that lets public unicast addresses pass and refuses every private, special and metadata range, also inside IPv4-mapped,
 * NAT64 and 6to4 addresses. `allow` lists addresses and CIDR ranges that pass nevertheless; metadata services never do.
 * Throws a `TypeError` on an entry that is neither.
 */
export function addressGuard(allow: readonly string[] = []): AddressGuard {
  const allowed = allow.map(parseRange);
  const listed = (address: Address) =>
    allowed.some(([base, bits]) => base.kind() === address.kind() && address.match(base as never, bits));
  return {
    refusal(text) {
      if (!ipaddr.isValid(text)) return 'no valid address';
      const address = ipaddr.process(text);
      const inner = embedded(address);
      if (isMetadata(address) || (inner && isMetadata(inner))) return 'a metadata service';
      if (listed(address)) return null;
      if (address.range() !== 'unicast') return `in the range ${address.range()}`;
      return address instanceof ipaddr.IPv6 && !address.match(GLOBAL_UNICAST) ? 'not globally routed' : null;
    },
  };
}

function parseRange(entry: string): Range {
  try {
    if (entry.includes('/')) return ipaddr.parseCIDR(entry);
    const address = ipaddr.parse(entry);
    return [address, address.kind() === 'ipv4' ? 32 : 128];
  } catch {
    throw new TypeError(`network.allow: "${entry}" is neither an address nor a CIDR range`);
  }
}

function isMetadata(address: Address): boolean {
  return METADATA.includes(address.toString());
}

/** The IPv4 address inside a translated IPv6 one: RFC 6052 and RFC 6145 (last 32 bits), 6to4 (bits 16 to 48), IPv4-compatible. */
function embedded(address: Address): Address | null {
  if (!(address instanceof ipaddr.IPv6)) return null;
  const bytes = address.toByteArray();
  return new ipaddr.IPv4(address.range() === '6to4' ? bytes.slice(2, 6) : bytes.slice(12));
}

/**
 * Opens TCP and TLS connections that obey the guard: literals are judged before, names within the lookup, and the address that was
 * connected to once more before the socket is handed out. A refusal is a `BlockedAddress`.
 */
export function guardedConnector(
  guard: AddressGuard,
  resolve: Resolve = systemLookup as Resolve,
): buildConnector.connector {
  const connect = buildConnector({
    timeout: 10_000,
    autoSelectFamily: true,
    lookup: guardedLookup(guard, resolve) as never,
  });
  return (options, done) => {
    if (isIP(options.hostname) && guard.refusal(options.hostname) !== null) {
      return void queueMicrotask(() => done(blocked(guard, options.hostname, options.hostname), null));
    }
    connect(options, (...[error, socket]) => {
      if (error) return done(error, null);
      const address = (socket as Socket).remoteAddress ?? '';
      if (guard.refusal(address) === null) return done(null, socket as Socket);
      (socket as Socket).destroy();
      done(blocked(guard, options.hostname, address), null);
    });
  };
}

type LookupDone = (error: Error | null, address?: string | LookupAddress[], family?: number) => void;

/** A `lookup` for sockets that gives only addresses which the guard lets pass; `BlockedAddress` where there are none. */
export function guardedLookup(guard: AddressGuard, resolve: Resolve = systemLookup as Resolve): LookupFunction {
  return (hostname, options, done) =>
    resolve(hostname === 'localhost.' ? 'localhost' : hostname, { all: true }, (error, addresses) => {
      const answer = done as LookupDone;
      if (error) return answer(error);
      const open = addresses.filter(({ address }) => guard.refusal(address) === null);
      const [first] = open;
      if (!first) return answer(blocked(guard, hostname, addresses[0]?.address ?? ''));
      return options.all ? answer(null, open) : answer(null, first.address, first.family);
    });
}

/** What is said of a host that leads to an address which the guard refuses. */
export function blocked(guard: AddressGuard, hostname: string, address: string): BlockedAddress {
  return new BlockedAddress(
    `${hostname} leads to ${address}, ${guard.refusal(address)}; list it under network.allow to permit it`,
  );
}
