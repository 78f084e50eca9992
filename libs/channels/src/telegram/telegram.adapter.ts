import type { ChannelAdapter } from '../core/adapter.js';
import { Capabilities } from '../core/capabilities.js';
import { telegramConfig, type TelegramConfig } from './telegram.config.js';
import { parse } from './telegram.parse.js';
import { check, fetchMedia, native, send, typing } from './telegram.send.js';
import { verify } from './telegram.verify.js';

/** Characters; texts hold four times as many. */
const MOST_CAPTION = 1_024;

/** Telegram, by a bot. */
export const telegram: ChannelAdapter<TelegramConfig> = {
  type: 'telegram',
  title: 'Telegram',
  config: telegramConfig,
  continuity: 'contact',
  capabilities: Capabilities.parse({
    text: { max: 4_096, unit: 'utf16' },
    choices: { level: 'full', maxOptions: 50, maxLabel: 100 },
    html: 'fallback',
    location: 'full',
    contactCard: 'fallback',
    link: 'fallback',
    card: 'fallback',
    template: 'refused',
    replyTo: 'full',
    media: {
      image: { mimeTypes: ['image/jpeg', 'image/png'], maxBytes: 10_000_000, caption: true, maxCaption: MOST_CAPTION },
      audio: { mimeTypes: ['audio/mpeg', 'audio/mp4'], maxBytes: 50_000_000, caption: true, maxCaption: MOST_CAPTION },
      voice: { mimeTypes: ['audio/ogg'], maxBytes: 50_000_000, caption: true, maxCaption: MOST_CAPTION },
      video: { mimeTypes: ['video/mp4'], maxBytes: 50_000_000, caption: true, maxCaption: MOST_CAPTION },
      file: { mimeTypes: ['*/*'], maxBytes: 50_000_000, caption: true, maxCaption: MOST_CAPTION },
    },
    receipts: [],
    typing: true,
    inbound: { edits: true, deletes: false, reactions: false, typing: false },
    window: null,
    initiate: [],
    rate: { perSecond: 30, perThreadPerSecond: 1 },
    idempotentSend: false,
  }),
  ingress: { webhook: { guard: 'signature', maxBytes: 1_048_576, verify, parse } },
  native,
  send,
  check,
  fetchMedia,
  typing,
};
