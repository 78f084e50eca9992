import type { MediaPart } from '#normalizer';
import type { AdapterContext } from '../core/adapter.js';
import type { ApiClient } from './api.js';
import { bytesOf, upload } from './media.js';
import type { AppSettings } from './stable-token.js';

type Context = AdapterContext<AppSettings>;

/** A customer service message: `msgtype`, and beside it the member of that name. */
export type CustomMessage = { readonly msgtype: string } & Readonly<Record<string, unknown>>;

/** A page of a mini program, as its own links name it. */
export interface MiniProgramPage {
  readonly appId: string;
  readonly path: string;
}

/** Paths of the calls that hand a message over. */
export const SENDS = {
  custom: '/cgi-bin/message/custom/send',
  template: '/cgi-bin/message/template/send',
  subscribe: '/cgi-bin/message/subscribe/bizsend',
} as const;

/**
 * Sends one customer service message. WeChat gives it no id and reports nothing of it later. Source: sendCustomMessage,
 * developers.weixin.qq.com. Throws `ProviderFailure`.
 */
export async function sendCustom(
  api: ApiClient<AppSettings>,
  { openid, message }: { readonly openid: string; readonly message: CustomMessage },
  ctx: Context,
): Promise<void> {
  await api.call({ path: SENDS.custom, body: { touser: openid, ...message }, handsOver: true }, ctx);
}

/** Shows "is typing" for about 15 seconds, or takes it back; only to somebody who did something in the last 30 seconds (45080). */
export async function showTyping(
  api: ApiClient<AppSettings>,
  { openid, on }: { readonly openid: string; readonly on: boolean },
  ctx: Context,
): Promise<void> {
  const body = { touser: openid, command: on ? 'Typing' : 'CancelTyping' };
  await api.call({ path: '/cgi-bin/message/custom/typing', body }, ctx);
}

/** Uploads the file of a part and returns its `media_id`. */
export async function uploaded(
  api: ApiClient<AppSettings>,
  {
    part,
    type,
    maxBytes,
  }: { readonly part: MediaPart; readonly type: 'image' | 'voice' | 'video'; readonly maxBytes: number },
  ctx: Context,
): Promise<string> {
  return upload(api, { type, file: await bytesOf(part, maxBytes, ctx) }, ctx);
}

/**
 * The page behind `weixin://dl/business/?appid=APPID&path=PATH&query=QUERY`, which is WeChat's own plain link into a mini program; null
 * for every other address. Source: "获取 URL Scheme", developers.weixin.qq.com.
 */
export function miniProgramPage(url: string): MiniProgramPage | null {
  if (!/^weixin:\/\/dl\/business\/?\?/.test(url)) return null;
  const query = new URLSearchParams(url.slice(url.indexOf('?') + 1));
  const appId = query.get('appid');
  const path = query.get('path');
  const rest = query.get('query');
  return appId && path ? { appId, path: rest ? `${path}?${rest}` : path } : null;
}

/** The link that `miniProgramPage` reads. */
export function miniProgramLink({ appId, path }: MiniProgramPage): string {
  const [page = '', query] = path.split(/\?(.*)/s);
  const named = new URLSearchParams({ appid: appId, path: page, ...(query && { query }) });
  return `weixin://dl/business/?${named.toString()}`;
}
