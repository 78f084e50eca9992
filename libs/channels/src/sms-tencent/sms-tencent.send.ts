import { ProviderFailure, type OutboundUnit } from '#normalizer';
import type { Health } from '#transport';
import type { SendReceipt } from '../core/adapter.js';
import { templateOrder, type TemplateOrder } from '../sms/mainland.js';
import { recipientOf } from '../sms/recipient.js';
import { isMainland } from '../sms/sender.js';
import { call, type Context } from './sms-tencent.call.js';
import { failureOf } from './sms-tencent.failures.js';

interface SendStatus {
  readonly SerialNo?: string;
  readonly Code?: string;
}

/** Orders one message by template (https://cloud.tencent.com/document/api/382/55981). */
export async function send(unit: OutboundUnit, ctx: Context): Promise<SendReceipt> {
  const to = recipientOf(unit);
  const { config } = ctx;
  const order = orderFor(unit, to, ctx);
  const { SendStatusSet: list } = await call<{ SendStatusSet: SendStatus[] }>(ctx, 'SendSms', {
    ...{ PhoneNumberSet: [to], SmsSdkAppId: config.smsSdkAppId, TemplateId: order.code, SignName: order.signName },
    ...{ TemplateParamSet: parameters(order.values), SessionContext: unit.id },
    ...(config.extendCode !== undefined && { ExtendCode: config.extendCode }),
    ...(!isMainland(to) && config.international.senderId !== undefined && { SenderId: config.international.senderId }),
  });
  const status = Array.isArray(list) ? list[0] : undefined;
  if (typeof status?.Code !== 'string') throw new ProviderFailure('reply-unreadable', 'the answer tells of no message');
  if (status.Code !== 'Ok') throw failureOf(status.Code, ctx.now());
  if (!status.SerialNo) throw new ProviderFailure('reply-unreadable', 'the answer names no message');
  return { externalIds: [status.SerialNo] };
}

/** Answers in plain text go abroad by a template of their own. */
function orderFor(unit: OutboundUnit, to: string, { config, now }: Context): TemplateOrder {
  const own = config.international.replyTemplate;
  const abroad = !isMainland(to) && unit.parts[0]?.type !== 'template' && own !== undefined;
  if (!abroad) return templateOrder(unit, config, now());
  const replyTemplate = { max: 35, ...config.replyTemplate, code: own, variable: '1' };
  return templateOrder(unit, { ...config, replyTemplate }, now());
}

/** Values by the numbers that templates call them by: `{1}`, `{2}`. Throws `content-refused` where they are called otherwise. */
function parameters(values: Readonly<Record<string, string>>): string[] {
  const names = Object.keys(values);
  if (names.length <= 1) return Object.values(values);
  const set = names.map((_, i) => values[String(i + 1)]);
  if (set.every((value) => value !== undefined)) return set;
  throw new ProviderFailure('content-refused', 'values of these templates are called 1, 2, 3, ..., without a gap');
}

/** Asks how much was sent in the last hour: the credentials work, and the application is theirs. */
export async function check(ctx: Context): Promise<Health> {
  try {
    const hour = (at: number) => new Date(at + 8 * 3_600_000).toISOString().slice(0, 13).replace(/\D/g, '');
    const [BeginTime, EndTime] = [hour(ctx.now() - 3_600_000), hour(ctx.now())];
    const about = { BeginTime, EndTime, SmsSdkAppId: ctx.config.smsSdkAppId, Limit: 0, Offset: 0 };
    const { SendStatusStatistics: counts } = await call<{ SendStatusStatistics: object }>(
      ctx,
      'SendStatusStatistics',
      about,
    );
    return counts
      ? { ok: true, detail: `The application ${ctx.config.smsSdkAppId} answers.` }
      : { ok: false, detail: 'Something else than Tencent Cloud answered. Check apiBase.' };
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unknown error';
    const advice =
      error instanceof ProviderFailure && error.code === 'unauthorized'
        ? ' Compare secretId and secretKey with the CAM console, and give the user QcloudSMSFullAccess.'
        : '';
    return { ok: false, detail: `The application could not be asked: ${why}.${advice}` };
  }
}
