import { ProviderFailure, type FittedUnit } from '#normalizer';
import type { Capabilities } from '../core/capabilities.js';
import { mainlandCapabilities, type Way } from '../sms/mainland.js';
import { recipientOf } from '../sms/recipient.js';
import { isMainland } from '../sms/sender.js';
import { templateOrder } from '../sms/template-order.js';
import type { SmsAliyunConfig } from './sms-aliyun.config.js';

/** Six segments, whichever the alphabet; the documentation names no limit. */
const MOST_ABROAD = 402;

export function wayOf({ signName, replyTemplate }: SmsAliyunConfig): Way {
  return { signName, replyTemplate };
}

/** Does this unit travel as plain text (SendMessageToGlobe)? */
export function isPlain(unit: Pick<FittedUnit, 'parts'>, to: string, { international }: SmsAliyunConfig): boolean {
  return unit.parts[0]?.type !== 'template' && international !== undefined && !isMainland(to);
}

/** What the account can do: at home, or to one recipient. */
export function capabilitiesTo(to: string | undefined, of: Capabilities, config: SmsAliyunConfig): Capabilities {
  const can = mainlandCapabilities(of, config, wayOf(config));
  if (to === undefined || isMainland(to)) return can;
  return { ...can, text: { ...can.text, max: MOST_ABROAD, segments: { alphabet: 'gsm7' } } };
}

/** Throws `ProviderFailure` for what cannot go to `to` at all. */
export function admit(unit: FittedUnit, to: string, config: SmsAliyunConfig): void {
  recipientOf(to);
  if (isPlain(unit, to, config)) return;
  if (unit.parts[0]?.type !== 'template' && !isMainland(to))
    throw new ProviderFailure('content-refused', 'plain text goes abroad only where `international` is set');
  templateOrder(unit, config, wayOf(config));
}
