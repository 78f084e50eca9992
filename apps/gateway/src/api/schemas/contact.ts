import { Contact, Handle } from '#normalizer';
import { z } from 'zod';
import { paging } from '../core/page.js';
import { metadataInput, time } from './elements.js';

export const ContactRecord = Contact.extend({
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
  q: z.string().min(1).max(200).optional().describe('Part of the name.'),
  companyId: z.string().max(200).optional(),
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
};
export const ContactInput = z
  .strictObject({ ...members, handles: z.array(HandleInput).max(20).default([]) })
  .meta({ id: 'ContactInput' });
export const ContactPatch = z.strictObject(members).meta({ id: 'ContactPatch' });

export const byHandle = z.object({
  id: z.string().max(200),
  handle: z.string().max(1_000).describe('`scheme:value` or `scheme/scope:value`, percent-encoded.'),
});

export const CompanyRecord = z
  .object({
    id: z.string(),
    name: z.string(),
    level: z.string().nullable(),
    metadata: z.record(z.string(), z.unknown()),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'Company' });

export const CompanyQuery = z.strictObject({
  ...paging,
  q: z.string().min(1).max(200).optional().describe('Part of the name.'),
});
const level = z.string().max(100).nullable().optional().describe('Service level.');
export const CompanyInput = z
  .strictObject({ name: z.string().min(1).max(500), level, metadata: metadataInput.optional() })
  .meta({ id: 'CompanyInput' });
export const CompanyPatch = z
  .strictObject({ name: z.string().min(1).max(500).optional(), level, metadata: metadataInput.optional() })
  .meta({ id: 'CompanyPatch' });
