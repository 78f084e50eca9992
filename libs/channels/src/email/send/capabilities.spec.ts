import { describe, expect, it } from '@jest/globals';
import { fit } from '../../core/fit.js';
import { media, settings } from '../testing/sender.js';
import { capabilitiesOf } from './index.js';
import { attachmentBytes, encodedBytes, textBytes } from '../../../../mail/src/smtp/sizes.js';

describe('what an account can do', () => {
  it('is by its rate', () => {
    const rate = { perMinute: 120, perRecipientPerMinute: 6 };
    expect(capabilitiesOf(settings(1, { rate })).rate).toEqual({ perSecond: 2, perThreadPerSecond: 0.1 });
  });

  it('is one answer of a bot to an address in an hour, unless the settings say more', () => {
    expect(capabilitiesOf(settings(1)).automaticPerHour).toBe(1);
    expect(capabilitiesOf(settings(1, { rate: { automaticPerHour: 5 } })).automaticPerHour).toBe(5);
  });

  it('carries the files for which a mail has room; larger ones become addresses', () => {
    const capabilities = capabilitiesOf(settings(1, {}, { maxBytes: 1_000_000 }));
    const most = capabilities.media.file!.maxBytes;
    expect(most).toBe(attachmentBytes(1_000_000));
    const [unit] = fit(
      { parts: [media('fil_1', { bytes: most }), media('fil_2', { bytes: most + 1, name: 'b' })] },
      capabilities,
      { fileUrl: (id) => `https://files.example/${id}` },
    );
    expect(unit?.parts).toMatchObject([
      { type: 'media', fileId: 'fil_1' },
      { type: 'text', text: '[file: b] https://files.example/fil_2' },
    ]);
  });

  it('is a size that a mail with one such file keeps to', () => {
    for (const maxBytes of [65_536, 65_537, 1_000_000, 20_000_000, 150_000_000]) {
      const most = attachmentBytes(maxBytes);
      const whole = (bytes: number) => encodedBytes(bytes) + textBytes('a short text');
      expect(whole(most)).toBeLessThanOrEqual(maxBytes);
      expect(whole(most + 10_000)).toBeGreaterThan(maxBytes);
    }
  });

  it('takes a message of many parts as one mail', () => {
    const parts = Array.from({ length: 20 }, (_, i) => ({ type: 'text' as const, text: `part ${i}` }));
    expect(fit({ parts, replyTo: 'a@b' }, capabilitiesOf(settings(1)))).toMatchObject([{ count: 1, replyTo: 'a@b' }]);
  });
});
