import { describe, expect, it } from '@jest/globals';
import { conformance, type ChannelSubject } from '../testing/index.js';
import { ClientFrame } from './protocol.js';
import { webchat } from './webchat.adapter.js';
import type { WebchatConfig } from './webchat.config.js';

const subject: ChannelSubject<WebchatConfig> = {
  adapter: webchat,
  accounts: [
    { id: 'web', config: () => ({ origins: ['https://shop.example'], secret: 'first secret of thirty-two bytes' }) },
    { id: 'help', config: () => ({ origins: ['*'], secret: 'other secret of thirty-two bytes' }) },
  ],
  now: Date.parse('2026-11-21T09:30:00Z'),
  inbound: [],
  outbound: [],
  provider: () => ({ status: 500 }),
  refusals: [],
};
conformance(subject);

describe('settings of web chat', () => {
  it.each(['https://shop.example', 'http://localhost:8080', 'https://*.shop.example', '*', 'http://[::1]:3000'])(
    'take the origin %s',
    (origin) => {
      expect(webchat.config.safeParse({ origins: [origin] }).success).toBe(true);
    },
  );

  it.each([
    'shop.example',
    'https://shop.example/',
    'https://*',
    'https://shop.*',
    'https://a.*.example',
    'javascript:x',
    'null',
    '',
  ])('refuse the origin %j', (origin) => {
    expect(webchat.config.safeParse({ origins: [origin] }).success).toBe(false);
  });

  it('refuse a secret that can be guessed', () => {
    expect(webchat.config.safeParse({ secret: 'short' }).success).toBe(false);
  });
});

describe('frames of a browser', () => {
  it.each([
    { type: 'message', clientId: 'short', parts: [{ type: 'text', text: 'x' }] },
    { type: 'message', clientId: 'with spaces and \0', parts: [{ type: 'text', text: 'x' }] },
    { type: 'message', clientId: 'c'.repeat(65), parts: [{ type: 'text', text: 'x' }] },
    { type: 'message', clientId: 'client-id-1', parts: [] },
    { type: 'hello', account: '' },
    { type: 'hello', account: 'web', after: -1 },
    { type: 'ack', delivered: 1.5 },
    { type: 'constructor' },
    null,
    [],
    'hello',
  ])('are refused when they are not of the protocol: %j', (frame) => {
    expect(ClientFrame.safeParse(frame).success).toBe(false);
  });
});
