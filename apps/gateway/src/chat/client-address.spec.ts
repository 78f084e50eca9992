import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { clientAddress } from './client-address.js';

const request = (remoteAddress: string, forwarded?: string) =>
  ({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } }) as unknown as IncomingMessage;

describe('clientAddress', () => {
  const ask = clientAddress(['10.0.0.0/8', '::1', '192.0.2.7']);

  it.each([
    ['203.0.113.9', undefined, '203.0.113.9'],
    ['203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['10.1.2.3', 'forged, 198.51.100.1, 192.0.2.7', '198.51.100.1'],
    ['10.1.2.3', '6.6.6.6, not-an-address', '10.1.2.3'],
    ['::ffff:10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['::1', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['10.1.2.3', undefined, '10.1.2.3'],
  ])('of %s forwarded for %s is %s', (remote, forwarded, expected) => {
    expect(ask(request(remote, forwarded))).toBe(expected);
  });
});
