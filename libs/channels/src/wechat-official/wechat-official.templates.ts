import type { Part } from '#normalizer';
import type { ApiCall } from '../wechat/api.js';
import { SENDS, miniProgramPage } from '../wechat/custom-message.js';

type Template = Extract<Part, { type: 'template' }>;

/** A template of this prefix is a notice to which the recipient subscribed (订阅通知), any other a template message (模板消息). */
const NOTICE = 'subscribe:';
/** The value under this name is no keyword of the template, whose own names never are `url`: it is what a tap opens. */
const TARGET = 'url';

/**
 * The call that sends a template: its id at WeChat is the name, its keywords are the values. `url` among the values opens a page, or
 * with `weixin://dl/business/?appid=..&path=..` a mini program. `key` keeps WeChat from sending the same one twice. Neither is bound to
 * the reply window. Sources: sendTemplateMessage and sendNewSubscribeMsg, developers.weixin.qq.com.
 */
export function templateCall(
  { name, values }: Template,
  to: { readonly openid: string; readonly key: string },
): ApiCall {
  const { [TARGET]: target, ...keywords } = values;
  const data = Object.fromEntries(Object.entries(keywords).map(([keyword, value]) => [keyword, { value }]));
  const page = target === undefined ? null : miniProgramPage(target);
  const miniprogram = page && { miniprogram: { appid: page.appId, pagepath: page.path } };
  const common = { touser: to.openid, data, ...miniprogram };
  if (name.startsWith(NOTICE)) {
    const opens = target !== undefined && !page && { page: target };
    const body = { ...common, template_id: name.slice(NOTICE.length), ...opens };
    return { path: SENDS.subscribe, body, handsOver: true };
  }
  const opens = target !== undefined && !page && { url: target };
  const body = { ...common, template_id: name, client_msg_id: to.key, ...opens };
  return { path: SENDS.template, body, handsOver: true };
}
