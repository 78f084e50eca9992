import { FAILURES, ProviderFailure, type FailureCode } from '#normalizer';
import { DeliveryRefused } from './connector.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Attempts in a row that failed in ways of one course: only they count towards its end. */
export interface Run {
  readonly course: string;
  readonly made: number;
}

/** What has been tried: milliseconds since the first attempt, and the run before the attempt that failed now, as the last decision gave it. */
export interface Attempts {
  readonly elapsedMs: number;
  readonly run?: Run | null;
}

/** How an attempt failed: by an HTTP status that is no success, by a failure of the closed table, or by a fault of our own code. */
export type Outcome =
  | { readonly status: number; readonly retryAfterMs?: number }
  | { readonly code: FailureCode; readonly retryAfterMs?: number }
  | { readonly fault: string; readonly retryAfterMs?: undefined };

/**
 * `retry`: the same again after `delayMs`, with `run` kept until then; with scope `target` nothing else goes to this destination or account before. `park`: the item
 * becomes a dead letter (a message: `failed`), and its lane goes on. `pause`: the destination or account stops until a person acts; the
 * item waits.
 */
export type RetryDecision =
  | { readonly kind: 'retry'; readonly delayMs: number; readonly scope: 'item' | 'target'; readonly run: Run }
  | { readonly kind: 'park'; readonly reason: string }
  | { readonly kind: 'pause'; readonly reason: string };

/** A course of attempts: the delay after each, the last one repeated until `forMs` have passed since the first attempt of any course; what then. */
export interface Course {
  readonly delaysMs: readonly number[];
  /** Attempts in a row; unlimited where absent. */
  readonly attempts?: number;
  readonly forMs: number;
  readonly scope: 'item' | 'target';
  readonly end: 'park' | 'pause';
}

const PATIENT = [
  5 * SECOND,
  30 * SECOND,
  2 * MINUTE,
  10 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  4 * HOUR,
  8 * HOUR,
  12 * HOUR,
];
const FEW = { delaysMs: [5 * SECOND, 30 * SECOND, 2 * MINUTE], attempts: 4, scope: 'target', end: 'pause' } as const;
const AT_ONCE = { delaysMs: [], attempts: 1, forMs: 0, scope: 'item' } as const;

/** Every delay is drawn between 80 % and 120 % of what the table says; a `Retry-After` is obeyed to the millisecond, from a second up to a day. */
export const JITTER = 0.2;
export const LONGEST_RETRY_AFTER_MS = DAY;

/** How deliveries to ticket systems are tried (CONTRACT section 3). */
export const DELIVERY_COURSES = {
  /** No connection, no complete answer, 408, 425, 5xx. */
  outage: { delaysMs: PATIENT, forMs: 7 * DAY, scope: 'item', end: 'park' },
  /** 429. */
  throttled: { delaysMs: PATIENT, forMs: 7 * DAY, scope: 'target', end: 'park' },
  /** 400, 413, 422, other 4xx, and what our own code stumbles over: five attempts within 5 minutes. */
  refused: {
    delaysMs: [5, 15, 45, 120].map((s) => s * SECOND),
    attempts: 5,
    forMs: 7 * DAY,
    scope: 'item',
    end: 'park',
  },
  /** 401, 403, 404, and redirects, which are not followed. */
  misdirected: { ...FEW, forMs: 7 * DAY },
  /** 410, and settings that cannot work. */
  gone: { ...AT_ONCE, end: 'pause' },
  /** What no repetition can change. */
  final: { ...AT_ONCE, end: 'park' },
} as const satisfies Record<string, Course>;

/** How messages to customers are tried: they are of no use days later. */
export const SEND_COURSES = {
  outage: { delaysMs: PATIENT, forMs: DAY, scope: 'item', end: 'park' },
  throttled: { delaysMs: PATIENT, forMs: DAY, scope: 'target', end: 'park' },
  unauthorized: { ...FEW, forMs: DAY },
  misconfigured: { ...AT_ONCE, end: 'pause' },
  final: { ...AT_ONCE, end: 'park' },
} as const satisfies Record<string, Course>;

/** What to do after a delivery failed. Pure but for `random`, which draws the jitter (0 to 1). */
export function afterDelivery(attempts: Attempts, outcome: Outcome, random: () => number = Math.random): RetryDecision {
  const name = courseOfOutcome(outcome);
  return decide({ name, ...DELIVERY_COURSES[name] }, { attempts, outcome, random });
}

/**
 * What to do after a send failed. `idempotent`: the provider takes an idempotency key, so an unknown outcome may be tried again. `scope`: the failure concerns
 * this item alone, whatever its course says.
 */
export function afterSend(
  attempts: Attempts,
  outcome: {
    readonly code: FailureCode;
    readonly retryAfterMs?: number;
    readonly scope?: 'item';
    readonly idempotent: boolean;
  },
  random: () => number = Math.random,
): RetryDecision {
  const name = courseOfSend(outcome);
  const course = { name, ...SEND_COURSES[name], ...(outcome.scope && { scope: outcome.scope }) };
  return decide(course, { attempts, outcome, random });
}

/** What an error thrown by `deliver` says. An error of no known kind is a fault of our own. */
export function outcomeOf(error: unknown): Outcome {
  if (error instanceof DeliveryRefused) return { status: error.status, retryAfterMs: error.retryAfterMs };
  if (error instanceof ProviderFailure) return { code: error.code, retryAfterMs: error.retryAfterMs };
  return { fault: error instanceof Error ? error.name : typeof error };
}

function courseOfOutcome(outcome: Outcome): keyof typeof DELIVERY_COURSES {
  if ('fault' in outcome) return 'refused';
  return 'status' in outcome ? courseOfStatus(outcome.status) : courseOfDelivery(outcome.code);
}

function courseOfStatus(status: number): keyof typeof DELIVERY_COURSES {
  if (status === 410) return 'gone';
  if (status === 429) return 'throttled';
  if (status === 408 || status === 425 || status >= 500) return 'outage';
  if (status === 401 || status === 403 || status === 404 || status < 400) return 'misdirected';
  return 'refused';
}

function courseOfDelivery(code: FailureCode): keyof typeof DELIVERY_COURSES {
  switch (code) {
    case 'unavailable':
    case 'outcome-unknown':
    case 'reply-unreadable':
      return 'outage';
    case 'throttled':
      return 'throttled';
    case 'unauthorized':
      return 'misdirected';
    case 'config-invalid':
      return 'gone';
    case 'content-refused':
      return 'refused';
    default:
      return 'final';
  }
}

function courseOfSend({
  code,
  idempotent,
  scope,
}: {
  code: FailureCode;
  idempotent: boolean;
  scope?: 'item';
}): keyof typeof SEND_COURSES {
  if (code === 'unavailable' || (code === 'outcome-unknown' && idempotent)) return 'outage';
  if (code === 'throttled' || code === 'unauthorized') return code;
  return code === 'config-invalid' && scope !== 'item' ? 'misconfigured' : 'final';
}

interface Situation {
  readonly attempts: Attempts;
  readonly outcome: Outcome;
  readonly random: () => number;
}

function decide(course: Course & { name: string }, { attempts, outcome, random }: Situation): RetryDecision {
  const { run, elapsedMs } = attempts;
  const made = run?.course === course.name ? run.made + 1 : 1;
  const step = course.delaysMs[Math.min(made, course.delaysMs.length) - 1] ?? 0;
  const asked = outcome.retryAfterMs ?? -1;
  const delayMs =
    asked >= 0
      ? Math.min(Math.max(asked, SECOND), LONGEST_RETRY_AFTER_MS)
      : Math.round(step * (1 - JITTER + 2 * JITTER * random()));
  const over = made >= (course.attempts ?? Infinity) || elapsedMs + delayMs > course.forMs;
  if (!over) return { kind: 'retry', delayMs, scope: course.scope, run: { course: course.name, made } };
  return { kind: course.end, reason: `${reasonOf(outcome)}, after ${made} ${made === 1 ? 'attempt' : 'attempts'}` };
}

function reasonOf(outcome: Outcome): string {
  if ('fault' in outcome) return `the gateway itself failed (${outcome.fault})`;
  return 'status' in outcome ? `answered ${outcome.status}` : FAILURES[outcome.code].meaning;
}
