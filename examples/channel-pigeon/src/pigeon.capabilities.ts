import { Capabilities } from 'tributary/channel-kit';

/** What docs/pigeon/README.md says. */
export const capabilities = Capabilities.parse({
  text: { max: 1_000, unit: 'code-points' },
  choices: { level: 'fallback' },
  html: 'fallback',
  location: 'fallback',
  contactCard: 'fallback',
  link: 'fallback',
  card: 'fallback',
  template: 'refused',
  replyTo: 'full',
  media: { image: { mimeTypes: ['image/jpeg', 'image/png'], maxBytes: 5_000_000, caption: true } },
  receipts: ['delivered', 'read', 'failed'],
  typing: false,
  inbound: { edits: false, deletes: false, reactions: false, typing: false },
  window: { hours: 24 },
  initiate: [],
  rate: { perSecond: 5 },
  idempotentSend: true,
});
