import { nearest } from '#normalizer';
import { z } from 'zod';

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const text = z.string().min(1).max(200);
const values = z.array(text).min(1).max(200);

const span = z
  .string()
  .regex(
    /^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$/,
    'expected a time from and to, such as 09:00-18:00 or 22:00-06:00',
  )
  .refine((value) => value.slice(0, 5) !== value.slice(6), 'expected two different times; a whole day is 00:00-24:00')
  .meta({ kind: 'time from and to' });

/** Written out in full: of short names the database knows other clocks than this process (`CET` is without summer time there). */
const zone = z
  .string()
  .refine(isZone, 'expected the name of a time zone such as Asia/Shanghai, Europe/Berlin or UTC')
  .describe('Whose clock is meant: a name of the time zone database. Summer time is minded.');

function isZone(name: string): boolean {
  if (!/^(UTC|[A-Za-z_]+(\/[A-Za-z0-9_+-]+)+)$/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) instanceof Intl.DateTimeFormat;
  } catch {
    return false;
  }
}

const days = Object.fromEntries(
  DAYS.map((day) => [day, z.array(span).max(20).optional().describe('From and to; one over midnight ends next day.')]),
) as Record<(typeof DAYS)[number], z.ZodOptional<z.ZodArray<typeof span>>>;

const hours = z.strictObject({
  zone,
  weekly: z.strictObject(days).describe('What of each weekday is in these hours; a day that is left out is not.'),
  closed: z
    .array(z.iso.date('expected a day such as 2026-10-01'))
    .max(1_000)
    .default([])
    .describe('Days (YYYY-MM-DD) on which nothing of these hours begins, such as holidays.'),
});

const when = z.strictObject({
  level: values.optional().describe('Service level of the company or the contact.'),
  company: values.optional().describe('Id, external id or name of the company.'),
  channel: values.optional().describe('Type of the channel on which it was opened.'),
  account: values.optional().describe('Account on which it was opened, by id.'),
  product: values
    .optional()
    .describe('A product of the company or the contact, or `product` in the metadata of the conversation.'),
  questionType: values.optional().describe('`questionType` in the metadata of the conversation.'),
  language: z
    .array(z.string().regex(/^[a-z]{2,3}$/, 'expected a language without its region, such as zh or en'))
    .min(1)
    .max(50)
    .optional()
    .describe('Language of the first message, else the one that the channel tells: `zh`, `en`, ...'),
  during: values.optional().describe('Hours by name: it was opened within any of them.'),
  outside: values.optional().describe('Hours by name: it was opened within none of them.'),
});

const set = z.strictObject({
  priority: z.enum(['low', 'normal', 'high', 'urgent']).optional().describe('`normal` unless a rule says otherwise.'),
  queue: z.string().min(1).max(100).optional().describe('Where the helpdesk is to put it.'),
  tags: z.array(z.string().min(1).max(100)).max(20).optional().describe('Added to the tags it has.'),
});

const rule = z.strictObject({
  name: text.describe('Its name for people; the dry run tells it.'),
  when: when
    .prefault({})
    .describe('Conditions, all of which must hold, each by any of its values. None: it always matches.'),
  set: set.describe('What a conversation gets.'),
});

/** Rules that set priority, queue and tags of a conversation when it is opened; the first that matches decides. */
export const Routing = z
  .strictObject({
    hours: z
      .record(text, hours)
      .default({})
      .describe('Working hours by name, for the conditions `during` and `outside`.'),
    rules: z.array(rule).max(200).default([]).describe('In order: the first that matches decides.'),
  })
  .superRefine(({ hours: known, rules }, context) => {
    const report = (path: PropertyKey[], message: string) =>
      context.addIssue({ code: 'custom', path: ['rules', ...path], message });
    const names = Object.keys(known);
    rules.forEach(({ name, when: conditions }, i) => {
      const first = rules.findIndex((other) => other.name === name);
      if (first < i) report([i, 'name'], `expected a name of its own; rules[${first}] has the same`);
      for (const condition of ['during', 'outside'] as const) {
        conditions[condition]?.forEach((wanted, j) => {
          if (!Object.hasOwn(known, wanted)) report([i, 'when', condition, j], unknownHours(wanted, names));
        });
      }
    });
  });
export type Routing = z.infer<typeof Routing>;

function unknownHours(wanted: string, known: readonly string[]): string {
  const meant = nearest(wanted, known);
  return `expected hours that exist; "${wanted}" does not${meant ? `; did you mean "${meant}"?` : ''} (known: ${known.join(', ') || 'none'})`;
}
