import type { ChannelAdapter } from '../core/adapter.js';
import { Capabilities } from '../core/capabilities.js';
import { webchatConfig, type WebchatConfig } from './webchat.config.js';

const anyFile = { mimeTypes: ['*/*'], maxBytes: 1_073_741_824, caption: true };

/**
 * Chat on the company's own pages. The gateway itself is the provider: browsers speak to `/chat` (see `protocol.ts`), a message is sent when it
 * is committed, and an offline browser is no failure.
 */
export const webchat: ChannelAdapter<WebchatConfig> = {
  type: 'webchat',
  title: 'Web chat',
  config: webchatConfig,
  capabilities: Capabilities.parse({
    text: { max: 100_000, unit: 'utf16' },
    choices: { level: 'full', maxOptions: 50, maxLabel: 1_000 },
    html: 'fallback',
    location: 'full',
    contactCard: 'full',
    link: 'full',
    card: 'full',
    template: 'refused',
    replyTo: 'full',
    media: { image: anyFile, audio: anyFile, voice: anyFile, video: anyFile, file: anyFile, sticker: anyFile },
    receipts: ['delivered', 'read'],
    typing: true,
    inbound: { edits: false, deletes: false, reactions: false, typing: true },
    window: null,
    initiate: [],
    rate: null,
    idempotentSend: true,
  }),
  ingress: { hosted: true },
  continuity: 'contact',
};
