import { ProviderFailure, type OutboundUnit } from '#normalizer';
import type { Health, HttpResponse } from '#transport';
import type { SendReceipt } from '../core/adapter.js';
import { recipientOf } from '../sms/recipient.js';
import { keepQuiet } from '../sms/quiet-hours.js';
import { isMainland } from '../sms/sender.js';
import { ofOrder, templateOrder } from '../sms/template-order.js';
import { call, DYSMS, GLOBE, type Context } from './sms-aliyun.call.js';
import { demandOk } from './sms-aliyun.failures.js';
import { admit, isPlain, wayOf } from './sms-aliyun.ways.js';

/**
 * Orders one message: by template in mainland China and wherever a template is named (https://help.aliyun.com/document_detail/419273.html), as plain text
 * abroad where the account is set up for that (https://www.alibabacloud.com/help/en/sms/api-sendmessagetoglobe).
 */
export async function send(unit: OutboundUnit, ctx: Context): Promise<SendReceipt> {
  const to = recipientOf(unit.thread.externalId);
  admit(unit, to, ctx.config);
  return isPlain(unit, to, ctx.config) ? abroad(unit, to, ctx) : byTemplate(unit, to, ctx);
}

async function byTemplate(unit: OutboundUnit, to: string, ctx: Context): Promise<SendReceipt> {
  const way = wayOf(ctx.config);
  const order = templateOrder(unit, ctx.config, way);
  if (order.marketing) keepQuiet(unit, ctx.config.quietHours, ctx.now());
  const { code, signName = '', values } = order;
  const answer = await call(ctx, {
    api: DYSMS,
    action: 'SendSms',
    query: {
      ...{
        PhoneNumbers: isMainland(to) ? to.slice(3) : to.slice(1),
        SignName: signName,
        TemplateCode: code,
        OutId: unit.id,
      },
      ...(Object.keys(values).length > 0 && { TemplateParam: JSON.stringify(values) }),
      ...(ctx.config.extendCode !== undefined && { SmsUpExtendCode: ctx.config.extendCode }),
    },
  });
  const said = fieldsOf(answer);
  try {
    demandOk(answer, { code: said['Code'], words: said['Message'], now: ctx.now() });
  } catch (error) {
    throw ofOrder(error, order, way);
  }
  return receipt(said['BizId']);
}

async function abroad(unit: OutboundUnit, to: string, ctx: Context): Promise<SendReceipt> {
  const senderId = ctx.config.international?.senderId;
  const query = {
    To: to.slice(1),
    Message: unit.text,
    Type: 'NOTIFY',
    ...(senderId !== undefined && { From: senderId }),
  };
  const answer = await call(ctx, { api: GLOBE, action: 'SendMessageToGlobe', query });
  const said = fieldsOf(answer);
  demandOk(answer, { code: said['ResponseCode'] ?? said['Code'], now: ctx.now() });
  return receipt(said['MessageId']);
}

function receipt(id: string | undefined): SendReceipt {
  if (!id) throw new ProviderFailure('reply-unreadable', 'the answer names no message');
  return { externalIds: [id] };
}

/** The texts of an answer. Throws `reply-unreadable` where a success is no JSON object. */
export function fieldsOf(answer: HttpResponse): Readonly<Record<string, string | undefined>> {
  try {
    const body = answer.json<Record<string, unknown> | null>() ?? {};
    return Object.fromEntries(
      Object.entries(body).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    );
  } catch (error) {
    if (answer.status === 200) throw error;
    return {};
  }
}

/** Lists the signatures: the credentials work, and the account's signature is among those approved. */
export async function check(ctx: Context): Promise<Health> {
  try {
    const answer = await call(ctx, {
      api: DYSMS,
      action: 'QuerySmsSignList',
      query: { PageIndex: '1', PageSize: '50' },
    });
    const said = fieldsOf(answer);
    demandOk(answer, { code: said['Code'], now: ctx.now() });
    return health(answer, ctx.config.signName);
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unknown error';
    const advice =
      error instanceof ProviderFailure && error.code === 'unauthorized'
        ? ' Compare accessKeyId and accessKeySecret with the RAM console, and give the user AliyunDysmsFullAccess.'
        : '';
    return { ok: false, detail: `The list of signatures could not be read: ${why}.${advice}` };
  }
}

interface Sign {
  readonly SignName?: string;
  readonly AuditStatus?: string;
}

function health(answer: HttpResponse, signName: string): Health {
  const { SmsSignList: list, TotalCount: total } = answer.json<{ SmsSignList?: Sign[]; TotalCount?: number }>();
  const sign = (Array.isArray(list) ? list : []).find((one) => one.SignName === signName);
  if (sign?.AuditStatus === 'AUDIT_STATE_PASS') return { ok: true, detail: `The signature ${signName} is approved.` };
  if (sign) return { ok: false, detail: `The signature ${signName} is not approved yet: see 签名管理 in the console.` };
  const all = (total ?? 0) <= 50;
  return all
    ? {
        ok: false,
        detail: `There is no signature ${signName} in this account: register it under 签名管理 in the console.`,
      }
    : { ok: true, detail: `The credentials work; ${signName} is not among the first 50 signatures.` };
}
