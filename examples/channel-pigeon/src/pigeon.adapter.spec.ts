import { createHmac } from 'node:crypto';
import { type ChannelSubject, conformance, loadFixture } from 'tributary/channel-kit/testing';
import { pigeon } from './pigeon.adapter.js';
import type { PigeonConfig } from './pigeon.config.js';
import { outbound, refusals, twins, updates } from './testing/cases.js';

const hello = loadFixture(new URL('./fixtures/hello.json', import.meta.url));

const subject: ChannelSubject<PigeonConfig> = {
  adapter: pigeon,
  now: Date.parse('2026-11-21T09:30:00Z'),
  accounts: [
    { id: 'one', config: (base) => ({ apiKey: 'key-of-one', signingSecret: 'secret-of-one', apiBase: base }) },
    { id: 'two', config: (base) => ({ apiKey: 'key-of-two', signingSecret: 'secret-of-two', apiBase: base }) },
  ],
  sign(request, { config, now }) {
    const at = Math.floor(now / 1_000);
    const signature = createHmac('sha256', config.signingSecret).update(`${at}.`).update(request.body).digest('hex');
    return { ...request, headers: { ...request.headers, 'pigeon-signature': `t=${at},v1=${signature}` } };
  },
  inbound: [
    ...updates,
    { name: 'the test of the address', request: hello, challenge: { status: 200, body: 'coo-4711' } },
  ],
  twins,
  outbound,
  provider: ({ path }) => ({
    body: path === '/v1/messages' ? { ok: true, id: 'p-1' } : { ok: true, name: 'Pigeon Post' },
  }),
  refusals,
};

conformance(subject);
