import { describe, expect, it } from '@jest/globals';
import { isOfThisMachine } from './demo-routes.js';

const caller = (remoteAddress: string, host: string, more: Record<string, string> = {}) =>
  isOfThisMachine({ socket: { remoteAddress }, headers: { host, ...more } } as unknown as Parameters<
    typeof isOfThisMachine
  >[0]);

describe('who may use the demo helpdesk', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1:3000'],
    ['::1', '[::1]:3000'],
    ['::ffff:127.0.0.1', 'localhost:3000'],
  ])('this machine: %s as %s', (address, host) => {
    expect(caller(address, host)).toBe(true);
  });

  it.each([
    ['another machine', '192.168.1.7', '127.0.0.1:3000'],
    ['a page of another site', '127.0.0.1', 'evil.example:3000'],
    ['a name that only begins like ours', '127.0.0.1', '127.0.0.1.evil.example'],
  ])('not %s', (_who, address, host) => {
    expect(caller(address, host)).toBe(false);
  });

  it('not somebody behind a proxy', () => {
    expect(caller('127.0.0.1', 'localhost', { 'x-forwarded-for': '203.0.113.9' })).toBe(false);
  });
});
