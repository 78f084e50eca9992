import type { ReplyToProvider } from '#transport';

/** What providers and ticket systems hear when something is not as it should be: the same words whatever the reason, to all but genuine senders. */
function problem(
  code: string,
  [status, title]: readonly [number, string],
  { headers = {}, detail = title }: { headers?: Record<string, string>; detail?: string } = {},
): ReplyToProvider {
  const body = JSON.stringify({ type: `/docs#${code}`, title, status, detail, code });
  return { status, headers: { 'content-type': 'application/problem+json', ...headers }, body };
}

export const NOT_FOUND = problem('not-found', [404, 'There is no such thing']);
export const UNSIGNED = problem('unauthenticated', [401, 'The request is not signed as it must be']);
/** `detail` is told to whoever signed the request. */
export const malformed = (detail: string) => problem('malformed', [400, 'The request cannot be read'], { detail });
export const TOO_LARGE = problem('too-large', [413, 'The request is too large'], { headers: { connection: 'close' } });
export const TOO_SLOW = problem('malformed', [408, 'The request did not arrive in time'], {
  headers: { connection: 'close' },
});
export const FAILED = problem('internal', [500, 'The gateway failed']);
const unavailable = (headers: Record<string, string>) =>
  problem('unavailable', [503, 'The gateway cannot do this now'], { headers });
export const UNAVAILABLE = unavailable({ 'retry-after': '5' });
/** Too many bodies are in memory: what is left of this one is not read. */
export const NO_ROOM = unavailable({ 'retry-after': '1', connection: 'close' });
export const overloaded = (seconds: number) => unavailable({ 'retry-after': String(seconds) });
export const tooMany = (seconds: number) =>
  problem('rate-limited', [429, 'Too many requests'], { headers: { 'retry-after': String(seconds) } });
