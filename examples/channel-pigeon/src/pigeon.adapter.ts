import type { ChannelAdapter } from 'tributary/channel-kit';
import { capabilities } from './pigeon.capabilities.js';
import { pigeonConfig, type PigeonConfig } from './pigeon.config.js';
import { fetchMedia } from './pigeon.media.js';
import { parse } from './pigeon.parse.js';
import { check, send } from './pigeon.send.js';
import { verify } from './pigeon.verify.js';

/** Pigeon Post, by callbacks. */
export const pigeon: ChannelAdapter<PigeonConfig> = {
  type: 'pigeon',
  title: 'Pigeon Post',
  config: pigeonConfig,
  continuity: 'contact',
  capabilities,
  ingress: { webhook: { guard: 'signature', maxBytes: 65_536, verify, parse } },
  send,
  check,
  fetchMedia,
};
