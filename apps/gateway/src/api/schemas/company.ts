import { Contract, Contracts, Products, ServiceLevel } from '#identity';
import { z } from 'zod';
import { paging } from '../core/page.js';
import { metadataInput, time } from './elements.js';

const externalId = z.string().min(1).max(320).describe('What the customer directory calls it; belongs to one company.');

export const CompanyRecord = z
  .object({
    id: z.string(),
    externalId: externalId.nullable(),
    name: z.string(),
    level: z.string().nullable().describe("Service level: `super-vip`, `vip`, `normal`, or the company's own."),
    products: z.array(z.string()),
    contracts: z.array(Contract),
    metadata: z.record(z.string(), z.unknown()),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'Company' });

export const CompanyQuery = z.strictObject({
  ...paging,
  q: z.string().min(1).max(200).optional().describe('Part of the name, any case.'),
  level: z.string().max(100).optional().describe('Service level.'),
  externalId: externalId.optional(),
});

const name = z.string().min(1).max(500);
const members = {
  externalId: externalId.nullable().optional(),
  level: ServiceLevel.nullable()
    .optional()
    .describe("Service level: `super-vip`, `vip`, `normal`, or the company's own text."),
  products: Products.optional(),
  contracts: Contracts.optional(),
  metadata: metadataInput.optional(),
};
export const CompanyInput = z.strictObject({ name, ...members }).meta({ id: 'CompanyInput' });
export const CompanyPatch = z.strictObject({ name: name.optional(), ...members }).meta({ id: 'CompanyPatch' });
