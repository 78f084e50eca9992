import { ProviderFailure, type OutboundUnit } from '#normalizer';
import type { Health } from '#transport';
import type { SendReceipt } from '../core/adapter.js';
import { keepQuiet } from '../sms/quiet-hours.js';
import { recipientOf } from '../sms/recipient.js';
import { isMainland } from '../sms/sender.js';
import { ofOrder, templateOrder } from '../sms/template-order.js';
import { call, type Context } from './sms-tencent.call.js';
import { failureOf } from './sms-tencent.failures.js';
import { parameters, wayTo } from './sms-tencent.ways.js';

interface SendStatus {
  readonly SerialNo?: string;
  readonly Code?: string;
}

/** Orders one message by template (https://cloud.tencent.com/document/api/382/55981). */
export async function send(unit: OutboundUnit, ctx: Context): Promise<SendReceipt> {
  const { config } = ctx;
  const to = recipientOf(unit.thread.externalId);
  const way = wayTo(to, config);
  const order = templateOrder(unit, config, way);
  const TemplateParamSet = parameters(order);
  if (order.marketing) keepQuiet(unit, config.quietHours, ctx.now());
  try {
    return await ordered(ctx, {
      ...{ PhoneNumberSet: [to], SmsSdkAppId: config.smsSdkAppId, TemplateId: order.code, TemplateParamSet },
      ...(order.signName !== undefined && { SignName: order.signName }),
      SessionContext: unit.id,
      ...(config.extendCode !== undefined && { ExtendCode: config.extendCode }),
      ...(!isMainland(to) &&
        config.international.senderId !== undefined && { SenderId: config.international.senderId }),
    });
  } catch (error) {
    throw ofOrder(error, order, way);
  }
}

async function ordered(ctx: Context, order: object): Promise<SendReceipt> {
  const { SendStatusSet: list } = await call<{ SendStatusSet: SendStatus[] }>(ctx, 'SendSms', order);
  const status = Array.isArray(list) ? list[0] : undefined;
  if (typeof status?.Code !== 'string') throw new ProviderFailure('reply-unreadable', 'the answer tells of no message');
  if (status.Code !== 'Ok') throw failureOf(status.Code, ctx.now());
  if (!status.SerialNo) throw new ProviderFailure('reply-unreadable', 'the answer names no message');
  return { externalIds: [status.SerialNo] };
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
