import { ProviderFailure, type Handle, type OutboundUnit } from '#normalizer';
import type { MediaStream } from '#transport';
import type { Profile, SendReceipt } from '../core/adapter.js';
import { openHeld } from '../wechat/held.js';
import { api, type Context } from './wecom-kf.api.js';
import { contentOf, text } from './wecom-kf.content.js';
import { msgidOf } from './wecom-kf.msgid.js';
import { changeSession, explained } from './wecom-kf.sessions.js';

/**
 * Sends one message, or changes who has the session. WeCom tells a failure later (`msg_send_fail`) by the id that we give, and nothing
 * of what arrives. Source: path/94677, developer.work.weixin.qq.com.
 */
export async function send(unit: OutboundUnit, ctx: Context): Promise<SendReceipt> {
  const [part] = unit.parts;
  const customer = unit.thread.externalId;
  const msgid = msgidOf(unit.id);
  if (part?.type === 'template') {
    await changeSession(part, { customer, msgid }, ctx);
    return { externalIds: [unit.id] };
  }
  const content = (part && (await contentOf(part, ctx))) ?? text(unit.text);
  const body = { touser: customer, open_kfid: ctx.config.openKfId, msgid, ...content };
  try {
    await api.call({ path: '/cgi-bin/kf/send_msg', body, handsOver: true }, ctx);
  } catch (error) {
    throw await explained(error, customer, ctx);
  }
  return { externalIds: [unit.id] };
}

/**
 * The nickname of a customer, and the unionid, by which official accounts and mini programs of the same Open Platform account know them: told where
 * the company has bound one. An app without the permission is told nothing. Source: path/95159, developer.work.weixin.qq.com.
 */
export async function profile({ value }: Handle, ctx: Context): Promise<Profile> {
  const body = { external_userid_list: [value], need_enter_session_context: 0 };
  const answer = await api.call({ path: '/cgi-bin/kf/customer/batchget', body }, ctx).catch((error: unknown) => {
    if (error instanceof ProviderFailure && error.providerCode === '48002') return { customer_list: [] };
    throw error;
  });
  const list = Array.isArray(answer['customer_list']) ? (answer['customer_list'] as Record<string, unknown>[]) : [];
  const { nickname: name, unionid } = list.find((customer) => customer?.['external_userid'] === value) ?? {};
  const { openPlatform: scope } = ctx.config;
  return {
    handles: isText(unionid) ? [{ scheme: 'wechat-unionid', scope, value: unionid, proof: 'channel' }] : [],
    ...(isText(name) && { name }),
  };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

export function fetchMedia(ref: string, ctx: Context): Promise<MediaStream> {
  return openHeld(api, ref, ctx);
}
