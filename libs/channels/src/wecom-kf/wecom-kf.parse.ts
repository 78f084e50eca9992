import type { VerifiedRequest } from '#transport';
import type { ParsedRequest, VerifyContext } from '../core/adapter.js';
import { openCallback } from '../wechat/callback.js';
import { guardOf, type WecomKfConfig } from './wecom-kf.config.js';

/** What `sync_msg` takes as a token: at most 128 bytes. */
const TOKEN = /^[\x21-\x7e]{1,128}$/;

/**
 * A callback holds no message: it says that the account has some, and gives a token for fetching them. What is said of other accounts
 * of the company is acknowledged. Source: path/94670, developer.work.weixin.qq.com.
 */
export function parse(request: VerifiedRequest, { config }: VerifyContext<WecomKfConfig>): ParsedRequest {
  const { Event: event, OpenKfId: account, Token: token = '' } = openCallback(request, guardOf(config));
  if (event !== 'kf_msg_or_event' || (account ?? config.openKfId) !== config.openKfId) return { events: [] };
  return { events: [], wake: TOKEN.test(token) ? token : true };
}
