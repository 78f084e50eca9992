import { defineChannel } from 'tributary/channel-kit';
import { pigeon } from './pigeon.adapter.js';

/** What the gateway loads. */
export const channels = [defineChannel(pigeon)];
