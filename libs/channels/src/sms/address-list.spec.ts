import { describe, expect, it } from '@jest/globals';
import { allowedAddressesSettings, isAllowed } from './address-list.js';

describe('an address list', () => {
  it.each([
    ['203.0.113.7', ['203.0.113.0/24']],
    ['::ffff:203.0.113.7', ['203.0.113.7']],
    ['2001:db8::1', ['198.51.100.0/24', '2001:db8::/32']],
    ['203.0.113.7', []],
  ])('holds %s: %j', (address, list) => expect(isAllowed(address, list)).toBe(true));

  it.each([
    ['203.0.114.7', ['203.0.113.0/24']],
    ['2001:db9::1', ['203.0.113.0/24', '2001:db8::/32']],
    ['', ['203.0.113.0/24']],
    ['nonsense', ['0.0.0.0/0']],
  ])('does not hold %j: %j', (address, list) => expect(isAllowed(address, list)).toBe(false));

  it('takes nothing but addresses and ranges', () => {
    expect(allowedAddressesSettings.safeParse(['203.0.113.0/24', '2001:db8::1']).success).toBe(true);
    for (const bad of ['aliyun.com', '203.0.113.0/33', ''])
      expect(allowedAddressesSettings.safeParse([bad]).success).toBe(false);
  });
});
