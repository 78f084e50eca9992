import { z } from 'zod';

/** An id in a path. What it must look like is not checked: an id that nothing has is not found. */
export const byId = z.object({ id: z.string().min(1).max(200) });

export const time = z.iso.datetime().describe('ISO 8601, UTC.');
export const timeInput = z.iso.datetime({ offset: true });

/** Free data of the caller. Merged key by key on change; null removes a key. */
export const metadataInput = z
  .record(z.string().min(1).max(200), z.unknown())
  .describe('Merged key by key; null removes a key.');

export const health = z
  .object({ ok: z.boolean(), detail: z.string().describe('What is wrong and what a person can do about it.') })
  .meta({ id: 'Health' });
