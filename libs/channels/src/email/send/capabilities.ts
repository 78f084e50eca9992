import { attachmentBytes } from '#mail';
import { Capabilities } from '../../core/capabilities.js';
import type { EmailConfig } from '../email.config.js';

/** What mail can do. Files travel as they are, whatever their kind: what somebody can look at is up to the reader's program. */
export const capabilities: Capabilities = Capabilities.parse({
  text: { max: 100_000, unit: 'utf16' },
  maxParts: 50,
  choices: { level: 'fallback' },
  html: 'full',
  markdown: 'full',
  location: 'fallback',
  contactCard: 'fallback',
  link: 'fallback',
  card: 'fallback',
  template: 'refused',
  subject: true,
  replyTo: 'always',
  media: mediaUpTo(20_000_000),
  receipts: ['delivered', 'read', 'failed'],
  typing: false,
  inbound: { edits: false, deletes: false, reactions: false, typing: false },
  window: null,
  initiate: ['email'],
  rate: { perSecond: 0.5, perThreadPerSecond: 10 / 60 },
  automaticPerHour: 1,
  idempotentSend: false,
});

/** What one account can do: its size of a mail, its rate. */
export function capabilitiesOf({ smtp, rate }: EmailConfig): Capabilities {
  return {
    ...capabilities,
    media: mediaUpTo(smtp.maxBytes),
    automaticPerHour: rate.automaticPerHour,
    rate: { perSecond: rate.perMinute / 60, perThreadPerSecond: rate.perRecipientPerMinute / 60 },
  };
}

function mediaUpTo(mailBytes: number): Capabilities['media'] {
  const rule = { mimeTypes: ['*/*'], maxBytes: attachmentBytes(mailBytes), caption: true };
  return { image: rule, audio: rule, voice: rule, video: rule, file: rule, sticker: rule };
}
