import { ProviderFailure, type OutboundUnit } from '#normalizer';
import { z } from 'zod';

const clock = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'expected a time such as 21:00');
const timeZone = z.string().refine(isTimeZone, 'expected a time zone such as Asia/Shanghai');

/** The setting `quietHours` of an SMS account. */
export const quietHoursSettings = z
  .object({
    from: clock.describe('When they begin, such as `21:00`.'),
    to: clock.describe('When they end, such as `08:00`; may be on the next day.'),
    timeZone: timeZone.default('Asia/Shanghai').describe('Whose clock counts, such as `Europe/Berlin`.'),
  })
  .optional();
export type QuietHours = NonNullable<z.infer<typeof quietHoursSettings>>;

const MINUTE = 60_000;
const DAY_MINUTES = 1_440;

/** Milliseconds until the quiet hours are over; 0 outside of them. Where the clocks change within them it may be an hour off: whoever waits asks again. */
export function quietFor({ from, to, timeZone }: QuietHours, now: number): number {
  const [start, end] = [minutesOf(from), minutesOf(to)];
  const at = minutesOf(localTime(timeZone, now));
  const length = (end - start + DAY_MINUTES) % DAY_MINUTES;
  const gone = (at - start + DAY_MINUTES) % DAY_MINUTES;
  return gone < length ? (length - gone) * MINUTE - (now % MINUTE) : 0;
}

/** Throws `throttled` until the quiet hours are over, for this recipient alone. A code is asked for by whoever is awake: it does not wait. */
export function keepQuiet(
  { notice }: Pick<OutboundUnit, 'notice'>,
  quietHours: QuietHours | undefined,
  now: number,
): void {
  const retryAfterMs = quietHours && !notice ? quietFor(quietHours, now) : 0;
  if (retryAfterMs > 0)
    throw new ProviderFailure('throttled', 'it waits for the end of the quiet hours', { retryAfterMs, scope: 'item' });
}

function minutesOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));
}

function localTime(zone: string, now: number): string {
  return new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).format(now);
}

function isTimeZone(zone: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: zone }));
  } catch {
    return false;
  }
}
