import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { InvalidInput, parseWith } from './invalid.js';
import { parseInbound } from './parse-inbound.js';
import { LIMITS } from './parts.js';
import { ReplyInput } from './reply.js';

const message = (over: Record<string, unknown> = {}): Record<string, unknown> => ({
  kind: 'message',
  dedupeKey: 'k1',
  thread: 't1',
  sender: { handles: [{ scheme: 'phone', value: '0086 138 0013 8000' }], name: 'Li\0Na' },
  parts: [{ type: 'text', text: 'a\r\nb' }],
  ...over,
});
const errorsOf = (run: () => unknown): readonly { path: string; message: string }[] => {
  try {
    run();
  } catch (error) {
    if (error instanceof InvalidInput) return error.errors;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('parseInbound', () => {
  it('cleans text, normalizes handles and fills in defaults', () => {
    expect(parseInbound(message())).toEqual({
      kind: 'message',
      dedupeKey: 'k1',
      thread: 't1',
      from: 'contact',
      externalIds: [],
      sender: {
        handles: [{ scheme: 'phone', scope: '', value: '+8613800138000', proof: 'channel' }],
        name: 'Li\uFFFDNa',
      },
      parts: [{ type: 'text', text: 'a\nb' }],
    });
  });

  it('reads national numbers by the default country', () => {
    const sender = { handles: [{ scheme: 'phone', value: '13800138000' }] };
    expect(parseInbound(message({ sender }), { defaultCountry: 'CN' })).toMatchObject({
      sender: { handles: [{ value: '+8613800138000' }] },
    });
    expect(errorsOf(() => parseInbound(message({ sender })))).toEqual([
      { path: 'sender.handles.0.value', message: expect.stringContaining('+8613800138000') },
    ]);
  });

  it('folds equal handles into one, with the strongest proof and at the first place', () => {
    const handles = [
      { scheme: 'email', value: 'Li@X.com', proof: 'claimed' },
      { scheme: 'visitor', value: 'v', proof: 'channel' },
      { scheme: 'email', value: 'li@x.com', proof: 'verified' },
      { scheme: 'email', value: 'LI@x.com', proof: 'channel' },
    ];
    expect(parseInbound(message({ sender: { handles } }))).toMatchObject({
      sender: {
        handles: [
          { scheme: 'email', value: 'li@x.com', proof: 'verified' },
          { scheme: 'visitor', value: 'v', proof: 'channel' },
        ],
      },
    });
  });

  it.each([
    ['receipt', { kind: 'receipt', dedupeKey: 'r', externalId: 'SM1', status: 'read' }],
    ['typing', { kind: 'typing', thread: 't', on: true }],
    ['consent', message({ kind: 'opted-out', parts: undefined })],
    ['change', message({ kind: 'deleted', externalId: 'SM1', parts: undefined })],
  ])('takes a %s', (_what, event) => expect(parseInbound(event)).toMatchObject({ kind: event['kind'] }));

  it.each([
    ['null', null, ''],
    ['an unknown kind', { kind: 'telepathy' }, 'kind'],
    ['an unknown part', message({ parts: [{ type: 'smell' }] }), 'parts.0.type'],
    ['no parts', message({ parts: [] }), 'parts'],
    ['empty text', message({ parts: [{ type: 'text', text: '' }] }), 'parts.0.text'],
    ['too long a text', message({ parts: [{ type: 'text', text: 'x'.repeat(LIMITS.text + 1) }] }), 'parts.0.text'],
    ['too many parts', message({ parts: Array(51).fill({ type: 'text', text: 'x' }) }), 'parts'],
    ['no sender', message({ sender: { handles: [] } }), 'sender.handles'],
    ['a latitude of 91', message({ parts: [{ type: 'location', latitude: 91, longitude: 0 }] }), 'parts.0.latitude'],
    ['no dedupe key', message({ dedupeKey: '' }), 'dedupeKey'],
    ['a bad time', message({ occurredAt: 'yesterday' }), 'occurredAt'],
  ])('refuses %s and says where', (_what, input, path) => {
    expect(errorsOf(() => parseInbound(input))).toEqual([{ path, message: expect.any(String) }]);
  });

  it('refuses a message that is too large as a whole, in bytes', () => {
    const three = '中'.repeat(29_000);
    const parts = (count: number): unknown => Array(count).fill({ type: 'text', text: three });
    expect(parseInbound(message({ parts: parts(3) }))).toBeDefined();
    expect(errorsOf(() => parseInbound(message({ parts: parts(4) })))[0]).toMatchObject({ path: 'parts' });
  });

  it('lists at most twenty faults and quotes no value', () => {
    const parts = Array(50).fill({ type: 'text', text: 4711 });
    const errors = errorsOf(() => parseInbound(message({ parts })));
    expect(errors).toHaveLength(20);
    expect(JSON.stringify(errors)).not.toContain('4711');
  });
});

describe('parseWith', () => {
  it('lets the nearest branch of a union speak', () => {
    const schema = z.object({
      via: z.union([z.strictObject({ a: z.string(), b: z.string() }), z.strictObject({ c: z.string() })]),
    });
    expect(errorsOf(() => parseWith(schema, { via: { c: 1 } }))).toEqual([
      { path: 'via.c', message: expect.any(String) },
    ]);
  });

  it('names the whole by an empty path', () => {
    expect(errorsOf(() => parseWith(ReplyInput, {}))).toEqual([
      { path: '', message: 'give either text or parts, not both' },
    ]);
  });

  it('returns what the schema makes of it', () => {
    expect(parseWith(z.object({ n: z.number().default(3) }), {})).toEqual({ n: 3 });
  });
});
