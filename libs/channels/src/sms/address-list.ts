import ipaddr from 'ipaddr.js';
import { z } from 'zod';

const range = z
  .string()
  .refine((text) => rangeOf(text) !== null, 'expected an address or a range such as 203.0.113.0/24');

/** The setting `allowedAddresses` of an account whose provider signs nothing. */
export const allowedAddressesSettings = z
  .array(range)
  .max(200)
  .default([])
  .describe(
    'Addresses and ranges that callbacks come from, as the provider lists them. Empty: the path secret alone guards.',
  );

/** Is the address in the list? An empty list holds all. */
export function isAllowed(address: string, list: readonly string[]): boolean {
  if (list.length === 0) return true;
  if (!ipaddr.isValid(address)) return false;
  const given = ipaddr.process(address);
  return list.some((text) => {
    const known = rangeOf(text);
    return known !== null && known[0].kind() === given.kind() && given.match(known as never);
  });
}

function rangeOf(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] | null {
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text);
  if (!ipaddr.isValid(text)) return null;
  const address = ipaddr.process(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}
