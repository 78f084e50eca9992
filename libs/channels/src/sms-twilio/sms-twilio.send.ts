import { ProviderFailure, type OutboundUnit } from '#normalizer';
import type { Health, HttpResponse } from '#transport';
import type { AdapterContext, SendReceipt } from '../core/adapter.js';
import { keepQuiet } from '../sms/quiet-hours.js';
import { recipientOf } from '../sms/recipient.js';
import type { SmsTwilioConfig } from './sms-twilio.config.js';
import { codeFailure, refusal } from './sms-twilio.failures.js';

type Context = AdapterContext<SmsTwilioConfig>;

/** Names our unit in the address that Twilio reports to: its reports can be told apart even where the answer with its own id was lost. */
export const UNIT = 'unit';

/** Creates one message (https://www.twilio.com/docs/messaging/api/message-resource). Twilio takes no idempotency key for them. */
export async function send(unit: OutboundUnit, ctx: Context): Promise<SendReceipt> {
  const { config } = ctx;
  const to = recipientOf(unit.thread.externalId);
  keepQuiet(unit, config.quietHours, ctx.now());
  const form = new URLSearchParams({ To: to });
  if (config.messagingServiceSid === undefined) form.set('From', config.from ?? '');
  else form.set('MessagingServiceSid', config.messagingServiceSid);
  addContent(form, unit, ctx);
  form.set('StatusCallback', `${ctx.callbackUrl}/status?${UNIT}=${unit.id}`);
  if (config.validityS !== undefined) form.set('ValidityPeriod', String(config.validityS));
  const answer = await call(ctx, { method: 'POST', path: '/Messages.json', body: form });
  if (answer.status < 200 || answer.status > 299) throw refusal(answer, ctx.now());
  return receiptOf(answer);
}

function addContent(form: URLSearchParams, unit: OutboundUnit, ctx: Context): void {
  const [part] = unit.parts;
  if (part?.type !== 'media') return form.set('Body', unit.text);
  if (part.caption) form.set('Body', part.caption);
  form.set('MediaUrl', part.fileId === undefined ? (part.url ?? '') : ctx.fileUrl(part.fileId));
}

/** A message that Twilio made and gave up at once carries the reason. */
function receiptOf(answer: HttpResponse): SendReceipt {
  const { sid, error_code: error } = answer.json<{ sid?: unknown; error_code?: unknown }>() ?? {};
  if (typeof error === 'number') throw codeFailure(error, 'content-refused');
  if (typeof sid !== 'string' || sid === '')
    throw new ProviderFailure('reply-unreadable', 'the answer names no message');
  return { externalIds: [sid] };
}

/** Reads the account. */
export async function check(ctx: Context): Promise<Health> {
  try {
    const answer = await call(ctx, { method: 'GET', path: '.json' });
    if (answer.status === 401 || answer.status === 403)
      return {
        ok: false,
        detail: 'Twilio refuses the credentials: compare accountSid and authToken (or the API key) with the console.',
      };
    if (answer.status !== 200)
      return {
        ok: false,
        detail: `Twilio answered ${answer.status}. Check accountSid and apiBase, and status.twilio.com.`,
      };
    const { status } = answer.json<{ status?: unknown }>();
    return status === 'active'
      ? { ok: true, detail: 'Twilio knows the account, and it is active.' }
      : { ok: false, detail: 'Twilio knows the account, and it is not active: see the billing page of the console.' };
  } catch (error) {
    return {
      ok: false,
      detail: `Twilio could not be asked: ${error instanceof Error ? error.message : 'unknown error'}.`,
    };
  }
}

/** A request below the account, with the API key where there is one. */
export function authorization({ accountSid, authToken, apiKeySid, apiKeySecret }: SmsTwilioConfig): string {
  const pair = apiKeySid && apiKeySecret ? `${apiKeySid}:${apiKeySecret}` : `${accountSid}:${authToken}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

function call(
  ctx: Context,
  { method, path, body }: { method: 'GET' | 'POST'; path: string; body?: URLSearchParams },
): Promise<HttpResponse> {
  const { apiBase, accountSid } = ctx.config;
  return ctx.http.request({
    method,
    url: `${apiBase}/2010-04-01/Accounts/${accountSid}${path}`,
    headers: { authorization: authorization(ctx.config), accept: 'application/json' },
    ...(body && { body }),
    signal: ctx.signal,
  });
}
