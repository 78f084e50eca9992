import { buffer } from 'node:stream/consumers';
import { ProviderFailure, type MediaPart, type OutboundUnit, type Part } from '#normalizer';
import type { AdapterContext, SendReceipt } from '../core/adapter.js';
import type { WechatyConfig } from './wechaty.config.js';
import { NoAnswer, within } from './wechaty.asking.js';
import { failureOf, isUnsupported } from './wechaty.failures.js';
import type { WechatySession } from './wechaty.session.js';

type Ctx = AdapterContext<WechatyConfig, WechatySession>;

/**
 * Hands one message to the puppet itself, whose answer is the id: wechaty's `say` looks the message up afterwards, and forgets the id where it is not found.
 * Puppets that give no id are listened to for the echo.
 */
export async function send(unit: OutboundUnit, ctx: Ctx): Promise<SendReceipt> {
  const { puppet, people } = ctx.session;
  if (!puppet.isLoggedIn) throw new ProviderFailure('unavailable', 'nobody is logged in');
  const to = await people.idOf(unit.thread.externalId).catch(() => {
    throw new ProviderFailure('unavailable', 'the puppet cannot tell who that is');
  });
  if (to === undefined) throw new ProviderFailure('recipient-gone', 'this login knows nobody of that name any more');
  const id = await deliver(unit, to, ctx);
  return { externalIds: id === undefined ? [] : [id] };
}

async function deliver(unit: OutboundUnit, to: string, ctx: Ctx): Promise<string | undefined> {
  const { puppet, echoes } = ctx.session;
  const way = await nativeWay(unit.parts[0], to, ctx);
  if (way) {
    try {
      return await echoes.send({ to, text: null }, () => timed(way, ctx));
    } catch (error) {
      if (!isUnsupported(error) || unit.parts[0]?.type === 'media') throw failureOf(error);
    }
  }
  return echoes
    .send({ to, text: unit.text }, () => timed(() => puppet.messageSendText(to, unit.text), ctx))
    .catch((error: unknown) => {
      throw failureOf(error);
    });
}

/** How the puppet sends this as what it is; undefined where it is text. What a puppet cannot send so, other than files, goes as text. */
async function nativeWay(part: Part | undefined, to: string, ctx: Ctx): Promise<(() => Promise<string | void>) | undefined> {
  const { puppet } = ctx.session;
  if (part?.type === 'media') {
    const file = await fileBox(part, ctx);
    return () => puppet.messageSendFile(to, file);
  }
  if (part?.type === 'link') {
    const { url, title = url, description = '', thumbnailUrl = '' } = part;
    return () => puppet.messageSendUrl(to, { url, title, description, thumbnailUrl });
  }
  if (part?.type === 'location') {
    const { latitude, longitude, name = '', address = name } = part;
    return () => puppet.messageSendLocation(to, { latitude, longitude, name, address, accuracy: 0 });
  }
  return undefined;
} // prettier-ignore

/** By value: puppets behind a wire take neither the streams nor the addresses of another machine alike. */
async function fileBox({ fileId, name }: MediaPart, ctx: Ctx) {
  if (fileId === undefined) throw new ProviderFailure('content-refused', 'the file is not in the store');
  const { FileBox } = await import('file-box');
  const file = await ctx.openFile(fileId);
  const bytes = await buffer(file.stream);
  return FileBox.fromBase64(bytes.toString('base64'), name ?? file.name ?? fileId);
}

/** Resolves with the puppet's id, where it gives one. */
async function timed(work: () => Promise<string | void>, { signal, config }: Ctx): Promise<string | void> {
  if (signal.aborted) throw new ProviderFailure('unavailable', 'the connection is being closed');
  const id: unknown = await within({ ms: config.timeoutMs, signal }, work).catch((error: unknown) => {
    if (!(error instanceof NoAnswer)) throw error;
    throw new ProviderFailure('outcome-unknown', 'the puppet did not answer in time');
  });
  if (id === undefined || id === null || typeof id === 'string') return id || undefined;
  throw new ProviderFailure('reply-unreadable', 'the puppet answered with something that is no id');
}
