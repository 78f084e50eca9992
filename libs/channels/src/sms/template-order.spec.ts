import { describe, expect, it } from '@jest/globals';
import { ProviderFailure, type OutboundUnit } from '#normalizer';
import { z } from 'zod';
import { mainlandSettings, type Way } from './mainland.js';
import { ofOrder, templateOrder } from './template-order.js';

const { templates, signName, replyTemplate } = z.object(mainlandSettings).parse({
  signName: '云商城',
  replyTemplate: { code: 'SMS_7', variable: 'answer' },
  templates: {
    code: { code: 'SMS_1', text: '验证码${code}，五分钟内有效' },
    sale: { code: 'SMS_2', text: '全场八折，拒收请回复R', marketing: true, signName: '别的商城' },
  },
});
const way: Way = { signName, replyTemplate };
const unit = (part: object, text = ''): Pick<OutboundUnit, 'parts' | 'text'> => ({ parts: [part as never], text });
const template = (name: string, values = {}) => unit({ type: 'template', name, values });
const order = (given: Pick<OutboundUnit, 'parts' | 'text'>, over: Partial<Way> = {}) =>
  templateOrder(given, { templates }, { ...way, ...over });

describe('what is ordered of a provider in China', () => {
  it('is the template that is named, as the settings know it, or by the id of the provider', () => {
    expect(order(template('code', { code: '1' }))).toEqual({
      ...{ code: 'SMS_1', signName: '云商城', values: { code: '1' }, marketing: false },
    });
    expect(order(template('SMS_9'))).toMatchObject({ code: 'SMS_9', signName: '云商城', values: {} });
    expect(order(template('sale'))).toMatchObject({ code: 'SMS_2', signName: '别的商城', marketing: true });
    expect(order(template('constructor'))).toMatchObject({ code: 'constructor' });
    expect(order(template('code', { code: '1' }), { signName: undefined }).signName).toBeUndefined();
  });

  it('is the template for answers in plain text, where there is one', () => {
    const text = unit({ type: 'text', text: '在路上' }, '在路上');
    expect(order(text)).toMatchObject({ code: 'SMS_7', signName: '云商城', values: { answer: '在路上' } });
    expect(() => order(text, { replyTemplate: undefined })).toThrow(/approved templates only/);
  });

  it('holds no second signature', () => {
    for (const given of [template('code', { code: '【银行】' }), unit({ type: 'text', text: '【银行】' }, '【银行】')])
      expect(() => order(given)).toThrow(expect.objectContaining({ code: 'content-refused' }));
  });
});

describe('what went wrong with an order', () => {
  const failed = (code: ConstructorParameters<typeof ProviderFailure>[0]) =>
    new ProviderFailure(code, 'no', { providerCode: 'X' });
  const scopeOf = (name: string, code: Parameters<typeof failed>[0]) =>
    (ofOrder(failed(code), order(template(name)), way) as ProviderFailure).scope;

  it('concerns one message where its template has a signature of its own, and else the account', () => {
    expect([scopeOf('sale', 'config-invalid'), scopeOf('SMS_9', 'config-invalid')]).toEqual(['item', undefined]);
    expect(scopeOf('sale', 'throttled')).toBeUndefined();
    expect(ofOrder(failed('config-invalid'), order(template('sale')), way)).toMatchObject({
      ...{ code: 'config-invalid', providerCode: 'X', message: 'no' },
    });
  });
});
