import { describe, expect, it } from '@jest/globals';
import { parseRetryAfter, statusFailure } from './answers.js';

const now = Date.parse('2026-11-21T09:30:00Z');

describe('parseRetryAfter', () => {
  it.each([
    ['120', 120_000],
    ['0', 0],
    [' 7 ', 7_000],
    ['86400', 86_400_000],
    ['Sat, 21 Nov 2026 09:31:00 GMT', 60_000],
    ['Saturday, 21-Nov-26 09:31:00 GMT', 60_000],
    ['Sat, 21 Nov 2026 09:00:00 GMT', 0],
  ])('reads "%s"', (value, expected) => expect(parseRetryAfter(value, now)).toBe(expected));

  it.each([
    undefined,
    '',
    '-5',
    '9e99',
    '1.5',
    '0x10',
    'soon',
    'Sat, 99 Foo 2026 GMT',
    '2026-11-21T09:31:00Z',
    '1, 2',
    'NaN',
  ])('ignores "%s"', (value) => expect(parseRetryAfter(value, now)).toBeUndefined());
});

describe('statusFailure', () => {
  it.each([
    [302, 'config-invalid'],
    [400, 'content-refused'],
    [401, 'unauthorized'],
    [403, 'unauthorized'],
    [404, 'config-invalid'],
    [408, 'unavailable'],
    [413, 'content-refused'],
    [422, 'content-refused'],
    [429, 'throttled'],
    [500, 'unavailable'],
    [503, 'unavailable'],
  ])('takes %i for %s', (status, code) => expect(statusFailure({ status, headers: {} }, now).code).toBe(code));

  it('carries when to come back', () => {
    expect(statusFailure({ status: 429, headers: { 'retry-after': '7' } }, now).retryAfterMs).toBe(7_000);
  });
});
