import { z } from 'zod';
import { LIMITABLE, Scope } from '../core/scopes.js';
import { time, timeInput } from './elements.js';

export const ApiKeyRecord = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: z.array(Scope),
    accounts: z.array(z.string()).nullable().describe('The only accounts that it sees; null: all.'),
    expiresAt: time.nullable(),
    createdAt: time,
    lastUsedAt: time.nullable().describe('To the minute.'),
  })
  .meta({ id: 'ApiKey' });

export const NewApiKey = ApiKeyRecord.extend({ secret: z.string().describe('The key itself. Shown here only.') }).meta({
  id: 'NewApiKey',
});

export const ApiKeyInput = z
  .strictObject({
    name: z.string().min(1).max(200),
    scopes: z.array(Scope).min(1).max(50),
    accounts: z.array(z.string().max(200)).min(1).max(100).optional().describe('Limits it to these accounts.'),
    expiresAt: timeInput.optional(),
  })
  .refine(({ accounts, scopes }) => !accounts || scopes.every((scope) => LIMITABLE.has(scope)), {
    path: ['scopes'],
    message: `a key that is limited to accounts can have only ${[...LIMITABLE].join(', ')}`,
  })
  .refine(({ expiresAt }) => expiresAt === undefined || Date.parse(expiresAt) > Date.now(), {
    path: ['expiresAt'],
    message: 'is in the past',
  })
  .meta({ id: 'ApiKeyInput' });
