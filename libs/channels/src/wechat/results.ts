import type { InboundEventInput, InboundReceipt } from '#normalizer';
import type { Fields } from './fields.js';
import { MAX_ID, commonOf, messageOf, unsupported } from './inbound.js';

/** What became of a notice (`subscribe_msg_sent_event`): XML has it as `List`, JSON as the first item of one. */
export function noticeResult(fields: Fields, appId: string): InboundEventInput {
  const within = (name: string) =>
    ['SubscribeMsgSentEvent.List', 'SubscribeMsgSentEvent.List.0', 'List', 'List.0']
      .map((path) => fields[`${path}.${name}`])
      .find((value) => value !== undefined);
  const code = within('ErrorCode');
  const status = `${code ?? ''} ${within('ErrorStatus') ?? ''}`.trim();
  return resultOf({ ...fields, MsgID: within('MsgID') }, appId, code === '0' ? null : status);
}

/** What became of a template or notice that `MsgID` names: `failed` is WeChat's word for why it did not arrive, null where it did. */
export function resultOf(fields: Fields, appId: string, failed: string | null): InboundEventInput {
  const { MsgID: externalId, Event: event } = fields;
  if (!externalId || externalId.length > MAX_ID)
    return messageOf(fields, appId, { part: unsupported('event', event), automated: true });
  const { dedupeKey, occurredAt } = commonOf(fields, appId);
  return {
    kind: 'receipt',
    dedupeKey,
    externalId,
    status: failed === null ? 'delivered' : 'failed',
    ...(failed !== null && { failure: failureOf(failed) }),
    ...(occurredAt !== undefined && { occurredAt }),
  };
}

function failureOf(status: string): NonNullable<InboundReceipt['failure']> {
  const providerCode = status.slice(0, 100);
  if (/user ?block|refuse|reject/i.test(status))
    return { code: 'opted-out', providerCode, message: 'the recipient takes no messages of the account' };
  if (/freq/i.test(status)) return { code: 'throttled', providerCode, message: 'WeChat was given too many' };
  if (/system/i.test(status)) return { code: 'unavailable', providerCode, message: 'WeChat failed' };
  return { code: 'content-refused', providerCode, message: 'WeChat did not deliver it' };
}
