import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { fit } from '../core/fit.js';
import { smsCapabilities } from './capabilities.js';
import { beijingTime, mainlandCapabilities, mainlandSettings, untilTomorrow } from './mainland.js';

const schema = z.object(mainlandSettings);
const noon = Date.parse('2026-11-21T12:00:00+08:00');
const templates = {
  code: { code: 'SMS_1', text: '验证码${code}，五分钟内有效' },
  sale: { code: 'SMS_2', text: '全场八折，拒收请回复R', marketing: true, signName: '别的商城' },
};
const config = (changes: object = {}) => schema.parse({ signName: '云商城', templates, ...changes });

describe('settings of mainland China', () => {
  it('take a signature with and without its brackets', () => {
    expect([config({ signName: '【云商城】' }).signName, config({ signName: ' 云商城 ' }).signName]).toEqual([
      '云商城',
      '云商城',
    ]);
  });

  it.each([
    { signName: '云' },
    { signName: '云 商城' },
    { signName: '【云】【商城】' },
    { templates: { a: { marketing: true } } },
    { templates: { a: { marketing: true, text: '全场八折' } } },
    { templates: { a: { text: '【云商城】你好' } } },
  ])('refuse %j', (changes) => expect(schema.safeParse({ signName: '云商城', ...changes }).success).toBe(false));

  it.each(['退订回T', '回TD退订', '拒收请回复R', '回复N拒收', 'Reply STOP'])(
    'take an advertisement that says %s',
    (way) => {
      expect(
        schema.safeParse({ signName: '云商城', templates: { a: { marketing: true, text: `八折，${way}` } } }).success,
      ).toBe(true);
    },
  );
});

describe('what an account in mainland China can do', () => {
  const base = smsCapabilities({ text: { max: 500, unit: 'utf16' }, receipts: [], template: 'full' });
  const replyTemplate = { code: 'SMS_7', text: '客服回复：${content}', max: 60 };
  const over = (changes: object) => {
    const given = config(changes);
    return mainlandCapabilities(base, given, { replyTemplate: undefined, ...given });
  };
  const can = over({ replyTemplate });
  const segments = (parts: Parameters<typeof fit>[0]['parts']) =>
    fit({ parts }, can).map((unit) => unit.segments?.segments);

  it('counts signature and wording', () => {
    expect(segments([{ type: 'text', text: '中'.repeat(60) }])).toEqual([1]);
    expect(over({ replyTemplate: { ...replyTemplate, max: 100 } }).text.segments?.added).toBe(10);
    expect(segments([{ type: 'template', name: 'code', values: { code: '4'.repeat(55) } }])).toEqual([1]);
    expect(segments([{ type: 'template', name: 'code', values: { code: '4'.repeat(56) } }])).toEqual([2]);
  });

  it('counts GSM-7 where no signature is put before', () => {
    const abroad = mainlandCapabilities(base, config(), { signName: undefined, replyTemplate: undefined });
    expect(fit({ parts: [{ type: 'text', text: 'a'.repeat(160) }] }, abroad)).toMatchObject([
      { segments: { encoding: 'gsm7', units: 160, segments: 1 } },
    ]);
  });

  it('splits answers to what the variable takes', () => {
    expect(fit({ parts: [{ type: 'text', text: '中'.repeat(61) }] }, can)).toHaveLength(2);
  });

  it('shows the customer’s text, signature included', () => {
    expect(fit({ parts: [{ type: 'template', name: 'code', values: { code: '4711' } }] }, can)[0]?.text).toBe(
      '【云商城】验证码4711，五分钟内有效',
    );
  });
});

describe('Beijing', () => {
  it('tells its time', () => expect(beijingTime('2017-09-01 00:00:00')).toBe('2017-09-01T00:00:00+08:00'));
  it.each(['2017-13-01 00:00:00', '2017-09-01', '', undefined, 5])('does not understand %j', (odd) =>
    expect(beijingTime(odd)).toBeUndefined(),
  );
  it('has its midnight', () => {
    expect(untilTomorrow(noon)).toBe(12 * 3_600_000);
    expect(untilTomorrow(noon + 12 * 3_600_000 - 1)).toBe(1);
  });
});
