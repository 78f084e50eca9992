import { AnswerErased, Conflict, IdempotencyMismatch, NotFound, Overloaded } from '#conversations';
import { DatabaseUnavailable, isTransient } from '#database';
import { InvalidHandle, InvalidInput, ProviderFailure } from '#normalizer';
import { HttpException } from '@nestjs/common';
import { PROBLEMS, Refusal, type ProblemCode } from './problem.js';

/** Seconds after which a caller may find the database back. */
const RETRY_DATABASE_S = 2;

/** SQLSTATEs of a number out of range, a time or text that is none: a value that only the database looked at. */
const UNREADABLE_VALUE = /^(22003|22007|22008|22021|22P02)$/;

/** What the caller is told of an error. Whatever is not known here is `internal`, and nothing of it is shown. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof NotFound) return new Refusal('not-found', error.message);
  if (error instanceof Conflict) return new Refusal(codeOf(error.code, 'in-use'), error.message);
  if (error instanceof InvalidInput) return invalid(error.errors);
  if (error instanceof InvalidHandle) return invalid([{ path: 'handle', message: error.message }]);
  if (error instanceof IdempotencyMismatch) return new Refusal('idempotency-mismatch', error.message);
  if (error instanceof AnswerErased) return new Refusal('gone', error.message);
  if (error instanceof ProviderFailure) return ofProvider(error);
  if (error instanceof Overloaded) return new Refusal('unavailable', error.message, { retryAfterS: error.retryAfterS });
  if (error instanceof DatabaseUnavailable || isTransient(error)) {
    const options = { retryAfterS: RETRY_DATABASE_S, cause: error };
    return new Refusal(
      'unavailable',
      'the database cannot take this now; try again, with the same Idempotency-Key',
      options,
    );
  }
  if (error instanceof HttpException) return ofHttp(error);
  if (UNREADABLE_VALUE.test(String((error as { code?: unknown } | null)?.code))) {
    return invalid([{ path: '', message: 'a value is out of range, or not of the form that is expected there' }]);
  }
  return new Refusal('internal', 'an unexpected error; the log has its details', { cause: error });
}

/** Longest text of one fault: a list of a million unknown keys is not read back to whoever sent it. */
const MAX_FAULT = 300;

function invalid(faults: readonly { path: string; message: string }[]): Refusal {
  const errors = faults.map(({ path, message }) => ({
    path: path.slice(0, MAX_FAULT),
    message: message.slice(0, MAX_FAULT),
  }));
  const said = errors.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ');
  return new Refusal('invalid', said, { errors });
}

function ofProvider(failure: ProviderFailure): Refusal {
  const retryAfterS = failure.retryAfterMs === undefined ? undefined : Math.ceil(failure.retryAfterMs / 1_000);
  const options = retryAfterS === undefined ? {} : { retryAfterS };
  if (failure.code === 'unavailable')
    return new Refusal('unavailable', failure.message, { retryAfterS: 5, ...options });
  return new Refusal(failure.code, failure.message, options);
}

/** Errors of Fastify and Nest: bodies that cannot be read, unknown paths. Their texts name no internals up to 499. */
function ofHttp(error: HttpException): Refusal {
  const status = error.getStatus();
  if (status === 404) return new Refusal('not-found', 'there is nothing at this address');
  if (status === 413) return new Refusal('too-large', error.message);
  if (status === 415) return new Refusal('unsupported-media-type', error.message);
  if (status === 401) return new Refusal('unauthenticated', error.message);
  if (status === 403) return new Refusal('forbidden', error.message);
  if (status < 500) return new Refusal('malformed', error.message);
  return new Refusal('internal', 'an unexpected error; the log has its details', { cause: error });
}

function codeOf(code: string, otherwise: ProblemCode): ProblemCode {
  return Object.hasOwn(PROBLEMS, code) ? (code as ProblemCode) : otherwise;
}
