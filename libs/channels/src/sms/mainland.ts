import { z } from 'zod';
import type { Capabilities } from '../core/capabilities.js';
import { quietHoursSettings } from './quiet-hours.js';

/** How marketing texts tell how to refuse them: operators demand that they do. */
const REFUSABLE = /退订|拒收|(?:回复?|复)\s*(?:T|TD|R|N)\b|STOP/i;
export const BRACKETS = /[【】]/;
const VARIABLE = /\$?\{\w+\}/g;

/** A signature as it was registered. Providers put it into 【】, so it is taken without. */
export const signNameSettings = z
  .string()
  .overwrite((name) => name.trim().replace(/^【(.*)】$/, '$1'))
  .regex(/^[^【】\s]{2,32}$/, 'expected the approved signature, 2 to 32 characters, without 【】');

/** A template into which answers in plain text are put. `variable`: what its one variable is called where the settings do not say. */
export function replyTemplateSettings(variable: string) {
  return z.object({
    code: z.string().min(1).max(100).describe("The provider's id of a template with one variable, into which answers in plain text are put."),
    variable: z.string().regex(/^\w{1,40}$/).default(variable).describe('Name of that variable.'),
    text: z.string().min(1).max(500).refine((text) => !BRACKETS.test(text), 'give the wording without 【签名】').optional()
      .describe('Its wording without the signature, such as `客服回复：{content}`: for the number of segments.'),
    max: z.int().min(2).max(500).default(35).describe('Longest value that the provider takes for the variable, characters; longer answers become several messages.'),
  }); // prettier-ignore
}

const template = z
  .object({
    code: z.string().min(1).max(100).optional().describe("The provider's id of the template; default: its name here."),
    text: z
      .string()
      .min(1)
      .max(1_000)
      .optional()
      .describe(
        'Its wording without the signature, variables as {name} or {1} (where the provider writes ${name}, leave the dollar out). Values and length are checked against it beforehand.',
      ),
    signName: signNameSettings.optional().describe('Another signature than that of the account.'),
    marketing: z
      .boolean()
      .default(false)
      .describe('An advertisement: keeps the quiet hours, and its wording must offer a way to refuse.'),
  })
  .refine(({ marketing, text }) => !marketing || (text !== undefined && REFUSABLE.test(text)), {
    message: 'an advertisement must say how to refuse it, such as 拒收请回复R: give its wording with that',
    path: ['text'],
  })
  .refine(({ text }) => text === undefined || !BRACKETS.test(text), {
    message: 'give the wording without 【签名】',
    path: ['text'],
  });

/** Settings that providers in China have in common. */
export const mainlandSettings = {
  signName: signNameSettings.describe('Approved signature (签名) that messages carry, without 【】.'),
  templates: z
    .record(z.string().min(1).max(100), template)
    .default({})
    .describe('Approved templates (模板) by the name that replies call them by. Others are called by their id.'),
  replyTemplate: replyTemplateSettings('content')
    .optional()
    .describe('For answers in plain text: operators in mainland China let nothing but approved templates pass.'),
  quietHours: quietHoursSettings
    .prefault({ from: '21:00', to: '08:00' })
    .describe('Hours in which advertisements wait.'),
}; // prettier-ignore

export type Mainland = z.infer<z.ZodObject<typeof mainlandSettings>>;
export type ReplyTemplate = z.infer<ReturnType<typeof replyTemplateSettings>>;

/** By what messages reach a recipient. */
export interface Way {
  /** Signature of messages whose template has none of its own; undefined: none is put before them. */
  readonly signName: string | undefined;
  /** For answers in plain text; undefined: they cannot be sent. */
  readonly replyTemplate: ReplyTemplate | undefined;
}

/** Text and templates of an account over a way: how long, how counted, how worded. The signature is part of every message. */
export function mainlandCapabilities(
  of: Capabilities,
  { templates }: Pick<Mainland, 'templates'>,
  way: Way,
): Capabilities {
  const { signName, replyTemplate } = way;
  const around = replyTemplate?.text?.replaceAll(VARIABLE, '').length ?? 0;
  const wordings = Object.entries(templates).flatMap(([name, known]) =>
    known.text === undefined ? [] : [[name, `${inBrackets(known.signName ?? signName)}${known.text}`]],
  );
  return {
    ...of,
    text: {
      ...of.text,
      max: replyTemplate?.max ?? of.text.max,
      segments: { alphabet: signName === undefined ? 'gsm7' : 'ucs2', added: inBrackets(signName).length + around },
    },
    ...(wordings.length > 0 && { templates: Object.fromEntries(wordings) as Record<string, string> }),
  };
}

function inBrackets(signName: string | undefined): string {
  return signName === undefined ? '' : `【${signName}】`;
}

/** A time such as `2017-09-01 00:00:00`, which is Beijing's, in ISO 8601; undefined where it is none. */
export function beijingTime(text: unknown): string | undefined {
  const match = typeof text === 'string' ? /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)$/.exec(text) : null;
  const time = match && `${match[1]}T${match[2]}+08:00`;
  return time && !Number.isNaN(Date.parse(time)) ? time : undefined;
}

/** Milliseconds until midnight in Beijing, when the counts of the day begin again. */
export function untilTomorrow(now: number): number {
  const day = 86_400_000;
  return day - ((now + 8 * 3_600_000) % day);
}
