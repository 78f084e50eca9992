import { ProviderFailure, type FittedUnit } from '#normalizer';
import type { Capabilities } from '../core/capabilities.js';
import { mainlandCapabilities, type Way } from '../sms/mainland.js';
import { recipientOf } from '../sms/recipient.js';
import { isMainland } from '../sms/sender.js';
import { templateOrder, type TemplateOrder } from '../sms/template-order.js';
import type { SmsTencentConfig } from './sms-tencent.config.js';

/** Templates and signatures of mainland China go nowhere else, and those for other countries not there. */
export function wayTo(to: string | undefined, { signName, replyTemplate, international }: SmsTencentConfig): Way {
  if (to === undefined || isMainland(to)) return { signName, replyTemplate };
  return { signName: international.signName, replyTemplate: international.replyTemplate };
}

/** What the account can do: at home, or to one recipient. */
export function capabilitiesTo(to: string | undefined, of: Capabilities, config: SmsTencentConfig): Capabilities {
  return mainlandCapabilities(of, config, wayTo(to, config));
}

/** Throws `ProviderFailure` for what cannot go to `to` at all. */
export function admit(unit: FittedUnit, to: string, config: SmsTencentConfig): void {
  recipientOf(to);
  parameters(templateOrder(unit, config, wayTo(to, config)));
}

/** Values by the numbers that templates call them by: `{1}`, `{2}`. Throws `content-refused` where they are called otherwise. */
export function parameters({ values }: TemplateOrder): string[] {
  const names = Object.keys(values);
  if (names.length <= 1) return Object.values(values);
  const set = names.map((_, i) => values[String(i + 1)]);
  if (set.every((value) => value !== undefined)) return set;
  throw new ProviderFailure('content-refused', 'values of these templates are called 1, 2, 3, ..., without a gap');
}
