import { Contact, Handle } from '#normalizer';
import { z } from 'zod';
import { paging } from '../core/page.js';
import { metadataInput, time } from './elements.js';

export const ContactRecord = Contact.extend({
  metadata: z.record(z.string(), z.unknown()).describe('Free data of the operator.'),
  blocked: z.boolean().describe("A blocked contact's messages are stored and not forwarded."),
  createdAt: time,
  updatedAt: time,
}).meta({ id: 'ContactRecord' });

export const ContactQuery = z.strictObject({
  ...paging,
  handle: z
    .string()
    .max(1_000)
    .optional()
    .describe('`scheme:value` or `scheme/scope:value`, such as `phone:+8613800138000`.'),
  q: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('Part of the name, of a handle (a phone number in any spelling), or of the name of the company.'),
  companyId: z.string().max(200).optional(),
  level: z.string().max(100).optional().describe('Service level of the company.'),
  blocked: z.stringbool({ truthy: ['true'], falsy: ['false'] }).optional(),
});

export const HandleInput = z
  .strictObject({
    scheme: Handle.shape.scheme,
    scope: Handle.shape.scope,
    value: Handle.shape.value,
    proof: Handle.shape.proof.default('verified').describe('What the caller vouches for; `verified` unless told.'),
  })
  .meta({ id: 'HandleInput' });

const members = {
  name: z.string().max(500).nullable().optional(),
  companyId: z.string().max(200).nullable().optional(),
  crm: z
    .strictObject({ id: z.string().max(500), url: z.string().max(4_096).nullable().default(null) })
    .nullable()
    .optional(),
  blocked: z.boolean().optional(),
  metadata: metadataInput.optional(),
};
export const ContactInput = z
  .strictObject({ ...members, handles: z.array(HandleInput).max(20).default([]) })
  .meta({ id: 'ContactInput' });
export const ContactPatch = z.strictObject(members).meta({ id: 'ContactPatch' });

export const byHandle = z.object({
  id: z.string().max(200),
  handle: z.string().max(1_000).describe('`scheme:value` or `scheme/scope:value`, percent-encoded.'),
});
