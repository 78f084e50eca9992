import { z } from 'zod';
import { time } from './elements.js';

const count = z.int().min(0);

const fault = z.object({
  column: z.string().nullable().describe('As the file names it; null where it concerns the whole row.'),
  message: z.string().describe('What was expected. Never what stands there.'),
});

export const ImportFault = z
  .object({
    row: z.int().positive().describe('As a spreadsheet counts: the header is row 1. Items of JSON are counted from 1.'),
    errors: z.array(fault),
  })
  .meta({ id: 'ImportFault' });

export const ImportRecord = z
  .object({
    id: z.string(),
    kind: z.enum(['companies', 'contacts']),
    state: z.enum(['running', 'done', 'failed']),
    failure: z.string().nullable(),
    total: count,
    processed: count,
    created: count,
    updated: count,
    unchanged: count,
    rejected: count,
    errors: z.array(ImportFault).describe('The first rejected rows; all of them: `/errors`.'),
    createdAt: time,
    finishedAt: time.nullable(),
  })
  .meta({ id: 'Import' });

export const ImportQuery = z.strictObject({
  kind: z.enum(['companies', 'contacts']),
  country: z
    .string()
    .regex(/^[A-Za-z]{2}$/, 'expected two letters such as CN')
    .transform((text) => text.toUpperCase())
    .optional()
    .describe('ISO 3166 country of phone numbers without country code; else the setting `identity.country`.'),
  unknown: z
    .enum(['refuse', 'metadata'])
    .default('refuse')
    .describe('What becomes of columns that are not known: the file is refused, or they go to the free fields.'),
});
