import { ProviderFailure, type InboundEventInput, type Part } from '#normalizer';
import type { Fields } from '../wechat/fields.js';
import { api, type Context } from './wecom-kf.api.js';
import type { Greeting } from './wecom-kf.config.js';
import { CODE_USED } from './wecom-kf.errcodes.js';
import { greetingId } from './wecom-kf.msgid.js';

/** Codes of events can be used once, for 20 seconds. */
const CODE_MS = 20_000;
/** As long as WeCom hands an event out, it is known whether its greeting was said. */
const KEPT_MS = 3 * 86_400_000;
/** `change_type`: the session has ended. */
const ENDED = '3';

interface Due {
  readonly greeting: Greeting;
  readonly code: string;
  readonly msgid: string;
  /** Can the code still be used? */
  readonly fresh: boolean;
}

/**
 * Says the welcome or the farewell of the settings where an event allows it, at once: its code ends before anybody could answer. What was
 * said is told as a message of ours, also where the event is read again because its first reading was never committed. What WeCom refuses
 * is not said: the event itself is told in any case.
 */
export async function greet(item: Fields, ctx: Context): Promise<InboundEventInput[]> {
  const due = greetingDue(item, ctx);
  if (!due || !(await wasSaid(due, ctx))) return [];
  const customer = item['event.external_userid'] ?? '';
  return [
    {
      kind: 'message',
      dedupeKey: `message:${due.msgid}`,
      thread: customer,
      sender: { handles: [{ scheme: 'wecom-external-userid', scope: ctx.config.corpId, value: customer }] },
      from: 'agent',
      automated: true,
      parts: [partOf(due.greeting)],
      externalIds: [due.msgid],
      occurredAt: new Date(ctx.now()).toISOString(),
    },
  ];
}

/**
 * Says it, where nobody did yet. That it is about to be said is noted before: where nothing else is known of it later, whoever began did
 * not live to tell, and it counts as said.
 */
async function wasSaid(due: Due, ctx: Context): Promise<boolean> {
  const mark = `greeting:${due.msgid}`;
  const known = await ctx.recall(mark);
  if (known === 'said' || known === 'refused') return known === 'said';
  const begun = known !== undefined;
  if (!due.fresh) return begun;
  if (!begun) await ctx.remember(mark, 'begun', KEPT_MS);
  const said = await say(due, begun, ctx);
  await ctx.remember(mark, said ? 'said' : 'refused', KEPT_MS);
  return said;
}

/**
 * Says it and resolves with whether it was said. An answer that was lost is asked for again: a code that was used since (`CODE_USED`) was
 * used by that very call, or by the one of a process that had `begun` and did not live to tell. Where no answer comes then either, it may
 * have been said, and counts as said. A code that nobody used ran out before by WeCom's clock.
 */
async function say(due: Due, begun: boolean, ctx: Context): Promise<boolean> {
  const first = await codeOf(sendOnEvent(due, ctx));
  if (first !== 'lost') return first === 'taken' || (first === CODE_USED && begun);
  const second = await codeOf(sendOnEvent(due, ctx));
  return ['taken', 'lost', 'unavailable', CODE_USED].includes(second);
}

/** What became of a call: `taken`, `lost` where nobody knows, `unavailable`, or the errcode, as a text. */
async function codeOf(call: Promise<void>): Promise<string> {
  try {
    await call;
    return 'taken';
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    const lost = error.code === 'outcome-unknown' || error.code === 'reply-unreadable';
    if (lost) return 'lost';
    return error.code === 'unavailable' ? error.code : (error.providerCode ?? error.code);
  }
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

function greetingDue(item: Fields, { config, now }: Context): Due | null {
  if (item.msgtype !== 'event') return null;
  const { 'event.event_type': type, 'event.change_type': change } = item;
  const [greeting, code] =
    type === 'enter_session'
      ? [config.welcome, item['event.welcome_code']]
      : type === 'session_status_change' && change === ENDED
        ? [config.farewell, item['event.msg_code']]
        : [];
  if (!greeting || !code) return null;
  return { greeting, code, msgid: greetingId(code), fresh: now() - Number(item.send_time) * 1_000 < CODE_MS };
}

function partOf({ text, options }: Greeting): Part {
  if (options.length === 0) return { type: 'text', text };
  return { type: 'choices', text, options: options.map((label) => ({ id: label, label })) };
}
