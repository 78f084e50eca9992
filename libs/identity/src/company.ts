import { z } from 'zod';

/** Service levels that every installation knows; a company may have any other of its own. */
export const SERVICE_LEVELS = ['super-vip', 'vip', 'normal'] as const;

/** A service level. The known ones are taken in any spelling (`Super VIP`); every other text stays as it is. */
export const ServiceLevel = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .transform((text) => {
    const known = text.toLowerCase().replace(/[\s_-]+/g, '-');
    return SERVICE_LEVELS.find((level) => level.replace('-', '') === known.replace('-', '')) ?? text;
  })
  .pipe(z.string());

const day = z.iso.date('expected a day such as 2026-12-31');

/** What was agreed with a company. Days are those of its own calendar, both included. */
export const Contract = z
  .strictObject({
    id: z.string().min(1).max(200).optional(),
    name: z.string().min(1).max(500),
    level: ServiceLevel.optional(),
    startsOn: day.optional(),
    endsOn: day.optional(),
    metadata: z.record(z.string().min(1).max(200), z.unknown()).optional(),
  })
  .refine(
    ({ startsOn, endsOn }) => !startsOn || !endsOn || startsOn <= endsOn,
    'expected a contract to end after it starts',
  )
  .meta({ id: 'Contract' });
export type Contract = z.infer<typeof Contract>;

export const Products = z.array(z.string().trim().min(1).max(200)).max(100);
export const Contracts = z.array(Contract).max(100);
