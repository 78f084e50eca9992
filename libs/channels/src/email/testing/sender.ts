import type { OutboundUnit, Part, ProviderFailure } from '#normalizer';
import { contextOf as mailContext, CUSTOMER, settings as mailSettings, type Files } from '#mail/testing';
import type { AdapterContext } from '../../core/adapter.js';
import { emailConfig, type EmailConfig } from '../email.config.js';
import { sendUnit } from '../send/index.js';

export { certificate, CUSTOMER, media, now, type Files } from '#mail/testing';

/** A unit of 2026-11-22, 11:59:00. */
const UNIT = `unt_${Date.parse('2026-11-22T11:59:00Z').toString(16).padStart(12, '0')}70008000000000000001`;

export function settings(
  port: number,
  { rate, ...more }: Record<string, unknown> = {},
  smtp: object = {},
): EmailConfig {
  return { ...mailSettings(port, more, smtp), rate: emailConfig.shape.rate.parse(rate) };
}

export function contextOf(config: EmailConfig, files: Files = {}): AdapterContext<EmailConfig> {
  const unused = { callbackUrl: '', session: undefined as never, known: async () => [] };
  return { ...mailContext(config, files), accountId: 'acc_mail', ...unused };
}

export function unitOf(parts: readonly Part[] | string, more: Partial<OutboundUnit> = {}): OutboundUnit {
  const given: readonly Part[] = typeof parts === 'string' ? [{ type: 'text', text: parts }] : parts;
  const handles = [{ scheme: 'email', scope: '', value: CUSTOMER, proof: 'channel' as const }];
  return {
    ...{ id: UNIT, messageId: 'msg_1', index: 0, count: 1, idempotencyKey: UNIT },
    thread: { id: 'thr_1', externalId: 'abcdefghijklmnopqrst', handles },
    parts: given,
    text: given.map((part) => ('text' in part ? part.text : '')).join('\n'),
    ...more,
  };
}

/** Sends; resolves with the external ids, or with the failure. */
export function sending(
  unit: OutboundUnit,
  ctx: AdapterContext<EmailConfig>,
): Promise<readonly string[] | ProviderFailure> {
  return sendUnit(unit, ctx).then(
    ({ externalIds }) => externalIds,
    (error: unknown) => error as ProviderFailure,
  );
}
