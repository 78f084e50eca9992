import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { apiBase, rebase, secret, secretValues, settingsSchema } from './settings.js';

const schema = z.object({
  user: z.string().describe('User.'),
  password: secret(z.string().min(1)).describe('Password.'),
  headers: z.record(z.string(), secret(z.string())).optional().describe('Headers.'),
  nested: z.object({ keys: z.array(secret(z.string())) }).describe('Nested.'),
  either: z.union([secret(z.object({ token: z.string() })), z.number()]).describe('Either.'),
  apiBase: apiBase('Root.').default('https://api.example'),
});

describe('settings', () => {
  it('marks secrets in the published schema, whatever else is said of them', () => {
    const { properties } = settingsSchema(schema);
    expect(properties?.password).toMatchObject({ secret: true, description: 'Password.' });
    expect(properties?.user).not.toHaveProperty('secret');
  });

  it('finds every secret value, nested ones included', () => {
    const config = {
      user: 'u',
      password: 'p1',
      headers: { a: 'h1' },
      nested: { keys: ['k1', 'k2'] },
      either: { token: 't1' },
    };
    expect(secretValues(schema, config).sort()).toEqual(['h1', 'k1', 'k2', 'p1', 't1']);
    expect(secretValues(schema, { user: 'u', password: 'p1', nested: null })).toEqual(['p1']);
  });

  it('puts another root before a configured address', () => {
    expect(rebase('https://a.example/x?y=1', 'http://127.0.0.1:8/base')).toBe('http://127.0.0.1:8/base/x?y=1');
    expect(rebase('https://a.example/x', undefined)).toBe('https://a.example/x');
    expect(schema.shape.apiBase.parse('http://localhost:1/')).toBe('http://localhost:1');
  });
});
