import type { ChannelAdapter } from '../core/adapter.js';
import { Capabilities } from '../core/capabilities.js';
import { whatsappCloudConfig, type WhatsappCloudConfig } from './whatsapp-cloud.config.js';
import { native } from './whatsapp-cloud.content.js';
import { parse } from './whatsapp-cloud.parse.js';
import { check, fetchMedia, markRead, send } from './whatsapp-cloud.send.js';
import { verify } from './whatsapp-cloud.verify.js';

/** Characters; texts hold four times as many. */
const MOST_CAPTION = 1_024;

/** WhatsApp by the Cloud API of Meta: one business number an account. */
export const whatsappCloud: ChannelAdapter<WhatsappCloudConfig> = {
  type: 'whatsapp-cloud',
  title: 'WhatsApp (Cloud API)',
  config: whatsappCloudConfig,
  continuity: 'contact',
  capabilities: Capabilities.parse({
    text: { max: 4_096, unit: 'utf16' },
    choices: { level: 'full', maxOptions: 10, maxLabel: 20 },
    html: 'fallback',
    location: 'full',
    contactCard: 'fallback',
    link: 'fallback',
    card: 'fallback',
    template: 'full',
    replyTo: 'full',
    media: {
      image: { mimeTypes: ['image/jpeg', 'image/png'], maxBytes: 5_000_000, caption: true, maxCaption: MOST_CAPTION },
      audio: { mimeTypes: ['audio/aac', 'audio/mp4', 'audio/mpeg', 'audio/amr', 'audio/ogg'], maxBytes: 16_000_000 },
      video: { mimeTypes: ['video/mp4', 'video/3gpp'], maxBytes: 16_000_000, caption: true, maxCaption: MOST_CAPTION },
      file: { mimeTypes: ['*/*'], maxBytes: 100_000_000, caption: true, maxCaption: MOST_CAPTION },
    },
    receipts: ['sent', 'delivered', 'read', 'failed'],
    typing: false,
    markRead: true,
    inbound: { edits: false, deletes: false, reactions: true, typing: false },
    window: { hours: 24 },
    initiate: ['phone'],
    rate: { perSecond: 80, perThreadPerSecond: 1 / 6 },
    idempotentSend: false,
  }),
  ingress: { webhook: { guard: 'signature', maxBytes: 4_194_304, verify, parse } },
  native,
  send,
  check,
  fetchMedia,
  markRead,
};
