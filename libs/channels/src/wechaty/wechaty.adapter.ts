import { ProviderFailure } from '#normalizer';
import type { MediaStream } from '#transport';
import type { AdapterContext, ChannelAdapter, Emit, SocketContext } from '../core/adapter.js';
import { Capabilities } from '../core/capabilities.js';
import { within } from './wechaty.asking.js';
import { wechatyConfig, type WechatyConfig } from './wechaty.config.js';
import { openMemory } from './wechaty.memory.js';
import { makePuppet, type Load } from './wechaty.puppet.js';
import { send } from './wechaty.send.js';
import { WechatySession } from './wechaty.session.js';

const MiB = 1_048_576;
const any = { mimeTypes: ['*/*'], maxBytes: 25 * MiB };

/** Personal WeChat by whichever puppet is installed. `load` imports a package; nothing of wechaty is loaded before the first account is opened. */
export function wechatyChannel(load: Load): ChannelAdapter<WechatyConfig, WechatySession> {
  return {
    type: 'wechaty',
    title: 'Personal WeChat (unofficial)',
    notice:
      'Unofficial: automating a personal account breaks the terms of WeChat, and the account may be restricted or banned for good. ' +
      'Use the channels wechat-official or wecom-kf where you can.',
    config: wechatyConfig,
    continuity: 'contact',
    capabilities: Capabilities.parse({
      text: { max: 2_000, unit: 'code-points' },
      choices: { level: 'fallback' },
      html: 'fallback',
      location: 'full',
      contactCard: 'fallback',
      link: 'full',
      card: 'fallback',
      template: 'refused',
      replyTo: 'dropped',
      media: { image: { mimeTypes: ['image/*'], maxBytes: 10 * MiB }, video: { mimeTypes: ['video/mp4'], maxBytes: 25 * MiB }, file: any },
      receipts: [],
      typing: false,
      inbound: { edits: false, deletes: true, reactions: false, typing: false },
      window: null,
      initiate: [],
      rate: { perSecond: 2, perThreadPerSecond: 1 }, // who writes faster than a person is found out
      idempotentSend: false,
    }),
    ingress: {
      socket: { sends: true, open: (emit, ctx) => open(emit, ctx, load), close: (session) => session.close() },
    },
    send,
    fetchMedia,
  };
} // prettier-ignore

export const wechaty = wechatyChannel((name) => import(name));

async function open(emit: Emit, ctx: SocketContext<WechatyConfig>, load: Load): Promise<WechatySession> {
  const puppet = await makePuppet(ctx.config, load);
  const { WechatyBuilder, log, types } = await import('wechaty');
  log.level('silent'); // it writes messages and login codes to the console
  const memory = await openMemory(ctx);
  const bot = WechatyBuilder.build({ puppet, memory });
  const session = new WechatySession({ bot, puppet, types, emit, ctx });
  try {
    await session.login();
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** `ref` is the puppet's id of the message: the bytes are there for as long as the puppet remembers it. */
async function fetchMedia(ref: string, ctx: AdapterContext<WechatyConfig, WechatySession>): Promise<MediaStream> {
  if (!ctx.session) throw new ProviderFailure('unavailable', 'nobody is logged in');
  const { puppet } = ctx.session;
  const { signal, config } = ctx;
  try {
    return await within({ ms: config.timeoutMs, signal }, async () => {
      const file = await puppet.messageFile(ref);
      const mimeType = file.mediaType === 'application/octet-stream' ? {} : { mimeType: file.mediaType };
      return { stream: await file.toStream(), name: file.name, ...mimeType };
    });
  } catch {
    throw new ProviderFailure('unavailable', 'the puppet does not have the file, or not yet');
  }
}
