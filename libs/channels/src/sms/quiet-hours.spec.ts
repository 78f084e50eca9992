import { describe, expect, it } from '@jest/globals';
import { ProviderFailure } from '#normalizer';
import { keepQuiet, quietFor, quietHoursSettings } from './quiet-hours.js';

const night = quietHoursSettings.parse({ from: '21:00', to: '08:00' })!;
const shanghai = (time: string) => Date.parse(`2026-11-21T${time}+08:00`);
const HOUR = 3_600_000;

describe('quiet hours', () => {
  it.each([
    ['20:59:59', 0],
    ['21:00:00', 11 * HOUR],
    ['23:30:15', 8.5 * HOUR - 15_000],
    ['00:00:00', 8 * HOUR],
    ['07:59:59', 1_000],
    ['08:00:00', 0],
    ['12:00:00', 0],
  ])('at %s in Shanghai last for %d ms', (time, ms) => expect(quietFor(night, shanghai(time))).toBe(ms));

  it('go by the clock that is set', () => {
    expect(quietFor({ ...night, timeZone: 'UTC' }, Date.parse('2026-11-21T22:00:00Z'))).toBe(10 * HOUR);
    expect(quietFor({ ...night, timeZone: 'UTC' }, shanghai('22:00:00'))).toBe(0);
  });

  it('may lie within a day, or be none', () => {
    const noon = { from: '12:00', to: '14:00', timeZone: 'UTC' };
    expect(quietFor(noon, Date.parse('2026-11-21T13:00:00Z'))).toBe(HOUR);
    expect(quietFor({ ...noon, to: '12:00' }, Date.parse('2026-11-21T12:00:00Z'))).toBe(0);
  });

  it('hold up one recipient, and say how long', () => {
    expect(() => keepQuiet({}, undefined, shanghai('23:00:00'))).not.toThrow();
    expect(() => keepQuiet({}, night, shanghai('12:00:00'))).not.toThrow();
    const failure = expect.objectContaining({ code: 'throttled', scope: 'item', retryAfterMs: 9 * HOUR });
    expect(() => keepQuiet({}, night, shanghai('23:00:00'))).toThrow(ProviderFailure);
    try {
      keepQuiet({}, night, shanghai('23:00:00'));
    } catch (error) {
      expect(error).toEqual(failure);
    }
  });

  it('let one-time codes pass, which are of no use in the morning', () => {
    expect(() => keepQuiet({ notice: true }, night, shanghai('23:00:00'))).not.toThrow();
  });

  it.each([
    { from: '24:00', to: '08:00' },
    { from: '9', to: '10' },
    { from: '21:00', to: '08:00', timeZone: 'Mars/Base' },
  ])('are refused as %j', (settings) => expect(quietHoursSettings.safeParse(settings).success).toBe(false));
});
