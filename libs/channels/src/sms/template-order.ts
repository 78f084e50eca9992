import { ProviderFailure, type OutboundUnit } from '#normalizer';
import { BRACKETS, type Mainland, type Way } from './mainland.js';

/** What a unit orders of a provider in China. */
export interface TemplateOrder {
  readonly code: string;
  readonly signName: string | undefined;
  readonly values: Readonly<Record<string, string>>;
  /** An advertisement, which keeps the quiet hours. */
  readonly marketing: boolean;
}

type Templates = Pick<Mainland, 'templates'>;

/**
 * The template that a unit is sent by: the one it names, or that for answers in plain text. Throws `content-refused` where there is none or a value holds
 * 【】, which would be a second signature.
 */
export function templateOrder(
  unit: Pick<OutboundUnit, 'parts' | 'text'>,
  { templates }: Templates,
  way: Way,
): TemplateOrder {
  const [part] = unit.parts;
  const order = part?.type === 'template' ? named(part, templates, way) : plain(unit.text, way);
  const faulty = Object.entries(order.values).find(([, value]) => BRACKETS.test(value));
  if (!faulty) return order;
  throw new ProviderFailure(
    'content-refused',
    `the value of ${faulty[0]} holds 【 or 】, which only the signature may`,
  );
}

function named(
  { name, values }: { name: string; values: Record<string, string> },
  templates: Mainland['templates'],
  { signName }: Way,
): TemplateOrder {
  const known = Object.hasOwn(templates, name) ? templates[name] : undefined;
  const marketing = known?.marketing ?? false;
  return { code: known?.code ?? name, signName: known?.signName ?? signName, values, marketing };
}

function plain(text: string, { replyTemplate, signName }: Way): TemplateOrder {
  if (replyTemplate)
    return { code: replyTemplate.code, signName, values: { [replyTemplate.variable]: text }, marketing: false };
  const why = 'this number takes approved templates only: send a template, or have replyTemplate set for the account';
  throw new ProviderFailure('content-refused', why);
}

/** What went wrong with an order: a signature of one template that does not work stops no other message. */
export function ofOrder(error: unknown, { signName }: TemplateOrder, way: Way): unknown {
  const own = signName !== way.signName;
  if (!own || !(error instanceof ProviderFailure) || error.code !== 'config-invalid') return error;
  const { code, message, providerCode } = error;
  return new ProviderFailure(code, message, { ...(providerCode !== undefined && { providerCode }), scope: 'item' });
}
