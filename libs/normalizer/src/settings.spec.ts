import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { parseWith } from './invalid.js';
import { keepSecrets, mapSecrets, maskSecrets } from './secrets.js';
import { apiBase, describeSettings, secret } from './settings.js';

const schema = z.strictObject({
  accountSid: z.string().describe('Account SID'),
  authToken: secret().min(4).describe('Auth token'),
  mode: z.enum(['plain', 'safe']).default('safe').describe('Mode'),
  port: z.int().optional(),
  verify: z.boolean().default(true),
  apiBase: apiBase('https://api.example.com/'),
  smtp: z.object({ host: z.string(), password: secret().optional() }).optional().describe('Mail'),
  origins: z.array(z.string()).default([]),
  headers: z.array(z.object({ name: z.string(), value: secret() })).default([]),
  tokens: z.record(z.string(), secret()).default({}),
  auth: z
    .union([
      z.object({ type: z.literal('basic'), password: secret() }),
      z.object({ type: z.literal('key'), key: secret() }),
    ])
    .optional(),
  pathSecret: secret().default('a-default-nobody-sees'),
});

const config = {
  accountSid: 'AC1',
  authToken: 'token-1',
  smtp: { host: 'h', password: 'pw-1' },
  headers: [{ name: 'a', value: 'va' }, { name: 'b', value: 'vb' }],
  tokens: { x: 'tx' },
  auth: { type: 'basic', password: 'pw-2' },
}; // prettier-ignore

describe('describeSettings', () => {
  const fields = describeSettings(schema);
  const field = (name: string): object | undefined => fields.find((f) => f.name === name);

  it('tells type, need, default, values and description', () => {
    expect(field('accountSid')).toEqual({
      name: 'accountSid',
      type: 'string',
      required: true,
      secret: false,
      description: 'Account SID',
    });
    expect(field('mode')).toMatchObject({
      type: 'string',
      required: false,
      default: 'safe',
      enum: ['plain', 'safe'],
      description: 'Mode',
    });
    expect(field('port')).toMatchObject({ type: 'number', required: false });
    expect(field('verify')).toMatchObject({ type: 'boolean', default: true });
    expect(field('origins')).toMatchObject({ type: 'list', default: [] });
    expect(field('apiBase')).toMatchObject({ type: 'string', required: false, default: 'https://api.example.com' });
    expect(fields.map((f) => f.name)).toEqual(Object.keys(schema.shape));
  });

  it('marks secrets wherever the mark was put, and never shows a default of one', () => {
    expect(field('authToken')).toMatchObject({ secret: true, required: true, description: 'Auth token' });
    expect(field('pathSecret')).toMatchObject({ secret: true, required: false });
    expect(JSON.stringify(fields)).not.toContain('nobody-sees');
  });

  it('takes an address without credentials alone', () => {
    const address = apiBase('https://api.example.com');
    expect(address.parse('http://[::1]:3000/')).toBe('http://[::1]:3000');
    for (const wrong of ['https://me@x.example', 'https://:pw@x.example', 'https://me:pw@x.example', 'ftp://x.example'])
      expect(address.safeParse(wrong).success).toBe(false);
  });

  it('goes into objects, lists and maps', () => {
    expect(field('smtp')).toMatchObject({
      type: 'object',
      fields: [{ name: 'host' }, { name: 'password', secret: true, required: false }],
    });
    expect(field('headers')).toMatchObject({
      type: 'list',
      fields: [{ name: 'name' }, { name: 'value', secret: true }],
    });
    expect(field('tokens')).toMatchObject({ type: 'map' });
  });
});

describe('apiBase', () => {
  const parse = (value?: string): string => parseWith(z.object({ base: apiBase('https://x/') }), { base: value }).base;

  it('has no slash at its end and must be http', () => {
    expect(parse()).toBe('https://x');
    expect(parse('http://127.0.0.1:8080/v2//')).toBe('http://127.0.0.1:8080/v2');
    expect(() => parse('ftp://x')).toThrow('base');
    expect(() => parse('example.com')).toThrow('base');
  });
});

describe('secrets', () => {
  it('are masked everywhere, and nothing else is', () => {
    expect(maskSecrets(schema, config)).toEqual({
      accountSid: 'AC1',
      authToken: '***',
      smtp: { host: 'h', password: '***' },
      headers: [{ name: 'a', value: '***' }, { name: 'b', value: '***' }],
      tokens: { x: '***' },
      auth: { type: 'basic', password: '***' },
    }); // prettier-ignore
    expect(config.authToken).toBe('token-1');
  });

  it('are given to fn once each, with their path', () => {
    const seen: string[] = [];
    mapSecrets(schema, config, (value, path) => {
      seen.push(`${path}=${value}`);
      return value;
    });
    expect(seen).toEqual(['authToken=token-1', 'smtp.password=pw-1', 'headers.0.value=va', 'headers.1.value=vb', 'tokens.x=tx', 'auth.password=pw-2']); // prettier-ignore
  });

  it('come back when the mask is sent back', () => {
    const masked = maskSecrets(schema, config);
    expect(keepSecrets(schema, masked, config)).toEqual(config);
    expect(keepSecrets(schema, { ...masked, authToken: 'new' }, config)).toEqual({ ...config, authToken: 'new' });
  });

  it('follow their list item when the list is sorted anew or shortened', () => {
    const turned = { ...maskSecrets(schema, config), headers: [{ name: 'b', value: '***' }] };
    expect(keepSecrets(schema, turned, config).headers).toEqual([{ name: 'b', value: 'vb' }]);
  });

  it('are asked for when nothing is stored in their place', () => {
    expect(() => keepSecrets(schema, { authToken: '***' }, undefined)).toThrow('authToken');
    expect(() => keepSecrets(schema, { headers: [{ name: 'z', value: '***' }] }, config)).toThrow('headers.0.value');
  });

  it('are found in every branch of a union', () => {
    const login = z.union([
      z.object({ key: secret() }),
      secret(),
      z.object({ key: z.string(), list: z.array(secret()) }),
    ]);
    const either = z.object({ a: login, b: login, c: login });
    const given = { a: 'x', b: { key: 'y' }, c: { key: 'z', list: ['w'] } };
    expect(maskSecrets(either, given)).toEqual({ a: '***', b: { key: '***' }, c: { key: '***', list: ['***'] } });
    const nested = z.union([z.object({ o: z.object({ a: secret() }) }), z.object({ o: z.object({ b: secret() }) })]);
    expect(maskSecrets(nested, { o: { a: 'x', b: 'y' } })).toEqual({ o: { a: '***', b: '***' } });
    expect(maskSecrets(z.object({ l: z.union([secret(), z.array(secret())]) }), { l: ['x'] })).toEqual({ l: ['***'] });
  });

  it('are not looked for in prototypes', () => {
    const proto = z.object({ a: z.string() });
    expect(maskSecrets(proto, JSON.parse('{"a":"x","constructor":"y"}'))).toEqual({ a: 'x', constructor: 'y' });
  });
});
