import { describe, expect, it } from '@jest/globals';
import { builtinAdapters, type ChannelAdapter } from '#channels';
import type { Sql } from '#database';
import { Codes } from '#identity';
import type { Part } from '#normalizer';
import type { RunningAccount } from '../directory/index.js';
import { Verifications, type CodeSettings } from './verifications.js';

const http = builtinAdapters.find(({ type }) => type === 'http') as ChannelAdapter<unknown, unknown>;
const account = (id: string, initiate: string[], more: object = {}) =>
  ({
    id,
    type: 'sms',
    enabled: true,
    config: {},
    adapter: { ...http, capabilities: { ...http.capabilities, initiate } },
    ...more,
  }) as unknown as RunningAccount;

function verifications(accounts: RunningAccount[], settings: CodeSettings = {}, fitted: Part[][] = []): Verifications {
  return new Verifications({
    directory: { account: (id) => accounts.find((one) => one.id === id), accounts: () => accounts },
    channels: { fit: (_: string, { parts }: { parts: Part[] }) => (fitted.push(parts), []) } as never,
    codes: new Codes('a secret'),
    settings,
  });
}

describe('the account that sends codes', () => {
  const all = [
    account('bridge', ['phone', 'email'], { type: 'http' }),
    account('sms', ['phone']),
    account('mail', ['email']),
  ];

  it('is the one that is named, else the first that can begin with such an address, an http account last', () => {
    expect(verifications(all).accountFor('phone')).toBe('sms');
    expect(verifications(all).accountFor('email')).toBe('mail');
    expect(verifications(all.slice(0, 2)).accountFor('email')).toBe('bridge');
    expect(verifications(all, { phone: 'bridge' }).accountFor('phone')).toBe('bridge');
    expect(verifications(all).accountFor('phone', 'bridge')).toBe('bridge');
  });

  it('is never another than the one that is named, nor one that is off or cannot', () => {
    expect(verifications(all, { phone: 'mail' }).accountFor('phone')).toBeUndefined();
    expect(verifications(all, { phone: 'gone' }).accountFor('phone')).toBeUndefined();
    expect(verifications([account('sms', ['phone'], { enabled: false })]).accountFor('phone')).toBeUndefined();
    expect(verifications(all).accountFor('wechat-openid')).toBeUndefined();
  });
});

describe('what is sent', () => {
  const sql: Sql = { query: () => Promise.resolve([{ wanted: true, wait_s: null }] as never) };
  const sent = async (scheme: string, settings: CodeSettings): Promise<Part> => {
    const fitted: Part[][] = [];
    const handle = { scheme, value: 'x' };
    await verifications([account('one', [scheme])], settings, fitted).ask(sql, {
      purpose: 'api',
      subject: 'con_1',
      handle,
    });
    return fitted[0]![0]!;
  };

  it('is a template where the settings name one for phones, else a text', async () => {
    const template = { name: 'SMS_1', value: 'digits' };
    expect(await sent('phone', { template })).toEqual({
      type: 'template',
      name: 'SMS_1',
      values: { digits: expect.stringMatching(/^\d{6}$/) as unknown },
    });
    expect(await sent('email', { template })).toMatchObject({ type: 'text' });
    expect(await sent('phone', {})).toMatchObject({ type: 'text', text: expect.stringMatching(/\d{6}/) as unknown });
  });
});
