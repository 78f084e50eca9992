import { verifyWebhook } from '#transport';
import type { ChannelAdapter } from '../core/adapter.js';
import { Capabilities } from '../core/capabilities.js';
import { httpConfig, type HttpConfig } from './http.config.js';
import { parse } from './http.parse.js';
import { check, send } from './http.send.js';

const anyFile = { mimeTypes: ['*/*'], maxBytes: 104_857_600, caption: true };

/** Bring your own channel: your software posts what customers write, and is posted what they are answered (CONTRACT section 6). */
export const http: ChannelAdapter<HttpConfig> = {
  type: 'http',
  title: 'HTTP (bring your own channel)',
  config: httpConfig,
  continuity: 'contact',
  capabilities: Capabilities.parse({
    text: { max: 100_000, unit: 'utf16', maxUnits: 1 },
    maxParts: 50,
    choices: { level: 'full' },
    html: 'full',
    location: 'full',
    contactCard: 'full',
    link: 'full',
    card: 'full',
    template: 'full',
    replyTo: 'full',
    media: { image: anyFile, audio: anyFile, voice: anyFile, video: anyFile, file: anyFile, sticker: anyFile },
    receipts: ['delivered', 'read', 'failed'],
    typing: false,
    inbound: { edits: false, deletes: false, reactions: false, typing: false },
    window: null,
    initiate: ['phone', 'email', 'client'],
    rate: null,
    idempotentSend: true,
  }),
  ingress: {
    webhook: {
      guard: 'signature',
      maxBytes: 262_144,
      verify: (request, { config, now }) => verifyWebhook([config.secret], request, now),
      parse,
    },
  },
  send,
  check,
};
