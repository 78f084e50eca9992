import { describe, expect, it } from '@jest/globals';
import { parseInbound } from '#normalizer';
import { emailConfig } from '../email.config.js';
import { readMail } from './index.js';

const config = emailConfig.parse({
  address: 'support@shop.example',
  password: 'p',
  imap: { host: 'imap.shop.example' },
  smtp: { host: 'smtp.shop.example' },
  authentication: { servers: ['mx.shop.example'] },
});
const context = {
  accountId: 'acc',
  config,
  location: 'L',
  receivedAt: Date.parse('2026-11-22T12:00:00Z'),
  now: Date.parse('2026-11-22T12:00:01Z'),
};

describe('smoke', () => {
  it('reads', async () => {
    const source = Buffer.from(
      'From: Anna <anna@x.example>\r\nSubject: =?utf-8?B?5L0=?= =?utf-8?B?oA==?=\r\nMessage-ID: <1@x>\r\nIn-Reply-To: <0@y>\r\nContent-Type: text/plain; charset=gb2312\r\n\r\nHello\r\n\r\nOn Mon, 1 Jan 2026 at 10:00, Bob <b@y> wrote:\r\n> hi\r\n',
    );
    const events = await readMail(source, context);
    events.forEach((event) => parseInbound(event));
    expect(events).toHaveLength(1);
  });
});
