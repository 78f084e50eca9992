import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';

type Network = [ipaddr.IPv4 | ipaddr.IPv6, number];

/**
 * Tells who is calling: the connection's own address, or, where that is a trusted proxy, the last address of `X-Forwarded-For` that is not one. Callers
 * are told apart by `household`.
 */
export function clientAddress(trustedProxies: readonly string[]): (request: IncomingMessage) => string {
  const networks = trustedProxies.map(network);
  const trusted = (text: string) => {
    const address = parse(text);
    return networks.some(([base, bits]) => address?.kind() === base.kind() && address.match(base, bits));
  };
  return (request) => {
    const own = request.socket.remoteAddress ?? '';
    const chain = String(request.headers['x-forwarded-for'] ?? '').split(',').map((text) => text.trim()); // prettier-ignore
    let address = own;
    while (trusted(address)) {
      const before = chain.pop();
      if (!before || !parse(before)) break;
      address = before;
    }
    return household(address);
  };
}

function network(text: string): Network {
  if (text.includes('/')) return ipaddr.parseCIDR(text) as Network;
  const address = ipaddr.process(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

function parse(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  return ipaddr.isValid(text) ? ipaddr.process(text) : undefined;
}

/** All addresses of one sender: an IPv6 /64, else the address itself. */
export function household(text: string): string {
  const address = parse(text);
  if (address?.kind() !== 'ipv6') return address?.toString() ?? text;
  return `${(address as ipaddr.IPv6).parts.slice(0, 4).map((part) => part.toString(16)).join(':')}::/64`; // prettier-ignore
}
