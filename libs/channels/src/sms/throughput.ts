import { z } from 'zod';
import type { Capabilities } from '../core/capabilities.js';

/** The setting `throughput` of an SMS account. `perSecond` is what this kind of provider takes from a new account. */
export function throughputSettings(perSecond: number) {
  return z
    .object({
      perSecond: z
        .number()
        .positive()
        .max(1_000)
        .default(perSecond)
        .describe('Segments a second over the whole account: a long message counts as several.'),
      perRecipientPerMinute: z
        .number()
        .positive()
        .max(600)
        .default(30)
        .describe('Messages a minute to one recipient; others go on meanwhile.'),
    })
    .prefault({})
    .describe('How fast the account sends: what your numbers are approved for.');
}

export function rateOf(throughput: z.infer<ReturnType<typeof throughputSettings>>): Capabilities['rate'] {
  return { perSecond: throughput.perSecond, perThreadPerSecond: throughput.perRecipientPerMinute / 60 };
}
