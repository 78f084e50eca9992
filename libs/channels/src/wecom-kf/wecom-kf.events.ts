import type { InboundEventInput, InboundMessage, InboundReceipt, Part } from '#normalizer';
import { signatureOf } from '../wechat/crypto.js';
import type { Fields } from '../wechat/fields.js';
import { unsupported } from '../wechat/inbound.js';
import { messages, texts, within } from '../wechat/within.js';
import type { WecomKfConfig } from './wecom-kf.config.js';
import { partOf } from './wecom-kf.messages.js';
import { unitIdOf } from './wecom-kf.msgid.js';

/** Under this name stands an item that has no form that could be read. */
export const UNREADABLE = 'unreadable';

type Failure = NonNullable<InboundReceipt['failure']>;
type Common = Pick<InboundMessage, 'dedupeKey' | 'thread'> & {
  sender: { handles: { scheme: string; scope: string; value: string }[]; name?: string };
  occurredAt?: string;
};

/** Longest `msgid` that can be named later; it has 32 bytes. */
const MAX_ID = 400;
/** Who wrote, by `origin`: 3 the customer, 4 WeCom itself, 5 an agent in WeCom. */
const CUSTOMER = '3';
const SYSTEM = '4';

/**
 * What an item of `sync_msg` says. What an agent writes in WeCom is an answer of the agent's; what WeCom writes is automated. Source:
 * path/94670, developer.work.weixin.qq.com.
 */
export function eventsOf(item: Fields, config: WecomKfConfig): InboundEventInput[] {
  if (item.msgtype === 'event') return eventOf(item, config);
  return said(item, config);
}

/** A message; what is too long for one goes on in further ones, and what cannot be read shows itself as it came. */
function said(item: Fields, config: WecomKfConfig): InboundEventInput[] {
  const { [UNREADABLE]: raw = '' } = item;
  const parts = [...within(partOf(item)), ...texts(raw)];
  return messages(parts).map((some, i) => {
    const first = message(item, config, { parts: some, automated: item.origin === SYSTEM });
    return i === 0 ? first : { ...first, dedupeKey: `${first.dedupeKey}:${i}`, externalIds: [] };
  });
}

function eventOf(item: Fields, config: WecomKfConfig): InboundEventInput[] {
  const { 'event.event_type': type = '', 'event.external_userid': customer } = item;
  switch (type) {
    case 'enter_session':
      return [entry(item, config)];
    case 'msg_send_fail':
      return [failed(item, config)];
    case 'user_recall_msg':
    case 'servicer_recall_msg':
      return [{ kind: 'deleted', ...commonOf(item, config), externalId: item['event.recall_msgid'] ?? '' }];
    case 'servicer_status_change':
      return []; // An agent of WeCom went on or off duty: this concerns nobody's conversation.
    case 'session_status_change':
      return [noted(item, config, [item['event.change_type'], item['event.new_servicer_userid']])];
    default:
      return customer ? [noted(item, config, [item['event.reject_switch']])] : [];
  }
}

/** Somebody opened the chat: nobody wrote, and no reply window opens. From where they came goes onto the conversation. */
function entry(item: Fields, config: WecomKfConfig): InboundEventInput {
  const { 'event.scene': scene, 'event.scene_param': param } = item;
  const from = param || scene;
  const part: Part = from
    ? { type: 'choice', optionId: 'enter_session', label: from }
    : unsupported('event', 'enter_session');
  const metadata = { ...(scene && { scene: noteOf(scene) }), ...(param && { sceneParam: noteOf(param) }) };
  return { ...message(item, config, { parts: within(part), automated: true }), ...(from && { metadata }) };
}

/** Longest value in the metadata of a conversation: 500. */
function noteOf(text: string): string {
  return text.slice(0, 500).toWellFormed();
}

function noted(item: Fields, config: WecomKfConfig, details: readonly (string | undefined)[]): InboundEventInput {
  const part = unsupported('event', item['event.event_type'], ...details);
  return message(item, config, { parts: [part], automated: true });
}

function failed(item: Fields, config: WecomKfConfig): InboundEventInput {
  const { dedupeKey, occurredAt } = commonOf(item, config);
  const { 'event.fail_msgid': id = '', 'event.fail_type': type = '0' } = item;
  const [code, message] = (Object.hasOwn(FAILED, type) ? FAILED[type] : undefined) ?? FAILED['0']!;
  return {
    kind: 'receipt',
    dedupeKey,
    externalId: unitIdOf(id),
    status: 'failed',
    failure: { code, providerCode: `fail_type ${type}`.slice(0, 100), message },
    ...(occurredAt !== undefined && { occurredAt }),
  };
}

/** `fail_type` of a message that WeCom took and could not deliver. */
const FAILED: Readonly<Record<string, readonly [Failure['code'], string]>> = {
  '0': ['content-refused', 'WeCom did not deliver it and does not say why'],
  '1': ['config-invalid', 'the customer service account was deleted'],
  '2': ['config-invalid', 'the app was closed'],
  '4': ['window-closed', 'the customer has not written within the reply window'],
  '5': ['window-closed', 'the session was closed'],
  '6': ['window-closed', 'the messages that one message of the customer allows are used up'],
  '7': ['config-invalid', 'no Channels account is bound'],
  '8': ['config-invalid', 'the company is not verified'],
  '9': ['config-invalid', 'no Channels account is bound, and the company is not verified'],
  '10': ['opted-out', 'the customer takes no messages of the account'],
  '11': ['config-invalid', 'no member of the company has logged in to the WeCom app'],
  '12': ['content-refused', 'messages of this type are not allowed'],
  '13': ['content-refused', 'WeCom stopped it for security'],
};

function message(
  item: Fields,
  config: WecomKfConfig,
  { parts, automated }: { readonly parts: Part[]; readonly automated: boolean },
): InboundEventInput & { kind: 'message' } {
  const contact = item.origin === CUSTOMER || item.msgtype === 'event';
  return {
    kind: 'message',
    ...commonOf(item, config),
    ...(!contact && { from: 'agent' as const }),
    ...(automated && { automated }),
    parts,
    ...(item.msgid && item.msgid.length <= MAX_ID && { externalIds: [item.msgid] }),
  };
}

/** Ids of persons are of the company: `external_userid` is the same for all its customer service accounts. Events name theirs inside. */
function commonOf(item: Fields, { corpId }: WecomKfConfig): Common {
  const customer = item.external_userid ?? item['event.external_userid'] ?? '';
  const { origin, servicer_userid: agent, send_time: sent = '' } = item;
  return {
    dedupeKey: keyOf(item, customer),
    thread: customer,
    sender: {
      handles: [{ scheme: 'wecom-external-userid', scope: corpId, value: customer }],
      ...(origin !== CUSTOMER && item.msgtype !== 'event' && agent && { name: agent.slice(0, 500) }),
    },
    ...(/^\d{1,11}$/.test(sent) && { occurredAt: new Date(Number(sent) * 1_000).toISOString() }),
  };
}

/**
 * WeCom hands the same event out again with later ones: `msgid` tells, or where there is none, what it says. What says neither is told apart
 * by all that it holds.
 */
function keyOf(item: Fields, customer: string): string {
  if (item.msgid) return `message:${item.msgid.length <= MAX_ID ? item.msgid : signatureOf(item.msgid)}`;
  const { send_time: sent = '', 'event.event_type': type = '' } = item;
  if (type === '') return `item:${signatureOf(JSON.stringify(Object.entries(item)))}`;
  const detail = ['fail_msgid', 'recall_msgid', 'welcome_code', 'msg_code', 'change_type', 'reject_switch'];
  return `event:${signatureOf(JSON.stringify([customer, sent, type, detail.map((name) => item[`event.${name}`] ?? '')]))}`;
}
