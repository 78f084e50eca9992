import { ProviderFailure, type InboundEventInput, type Part } from '#normalizer';
import type { Fields } from '../wechat/fields.js';
import { api, type Context } from './wecom-kf.api.js';
import type { Greeting } from './wecom-kf.config.js';
import { greetingId } from './wecom-kf.msgid.js';

/** Codes of events can be used once, for 20 seconds. */
const CODE_MS = 20_000;
/** `change_type`: the session has ended. */
const ENDED = '3';

/**
 * Says the welcome or the farewell of the settings where an event allows it, at once: its code ends before anybody could answer. What was
 * said is told as a message of ours. What WeCom refuses is not said: the event itself is told in any case.
 */
export async function greet(item: Fields, ctx: Context): Promise<InboundEventInput[]> {
  const due = greetingDue(item, ctx);
  if (!due) return [];
  const { greeting, code } = due;
  const msgid = greetingId(code);
  try {
    await sendOnEvent({ code, msgid, greeting }, ctx);
  } catch (error) {
    if (error instanceof ProviderFailure) return [];
    throw error;
  }
  const customer = item['event.external_userid'] ?? '';
  return [
    {
      kind: 'message',
      dedupeKey: `message:${msgid}`,
      thread: customer,
      sender: { handles: [{ scheme: 'wecom-external-userid', scope: ctx.config.corpId, value: customer }] },
      from: 'agent',
      automated: true,
      parts: [partOf(greeting)],
      externalIds: [msgid],
      occurredAt: new Date(ctx.now()).toISOString(),
    },
  ];
}

/** Sends what a code allows: a text, or a menu. Source: path/95122, developer.work.weixin.qq.com. Throws `ProviderFailure`. */
export async function sendOnEvent(
  { code, msgid, greeting }: { readonly code: string; readonly msgid: string; readonly greeting: Greeting },
  ctx: Context,
): Promise<void> {
  const { text, options } = greeting;
  const list = options.map((content) => ({ type: 'click', click: { id: content, content } }));
  const content =
    list.length === 0
      ? { msgtype: 'text', text: { content: text } }
      : { msgtype: 'msgmenu', msgmenu: { head_content: text, list } };
  await api.call({ path: '/cgi-bin/kf/send_msg_on_event', body: { code, msgid, ...content }, handsOver: true }, ctx);
}

function greetingDue(item: Fields, { config, now }: Context): { greeting: Greeting; code: string } | null {
  if (item.msgtype !== 'event' || now() - Number(item.send_time) * 1_000 >= CODE_MS) return null;
  const { 'event.event_type': type, 'event.change_type': change } = item;
  const [greeting, code] =
    type === 'enter_session'
      ? [config.welcome, item['event.welcome_code']]
      : type === 'session_status_change' && change === ENDED
        ? [config.farewell, item['event.msg_code']]
        : [];
  return greeting && code ? { greeting, code } : null;
}

function partOf({ text, options }: Greeting): Part {
  if (options.length === 0) return { type: 'text', text };
  return { type: 'choices', text, options: options.map((label) => ({ id: label, label })) };
}
