import { z } from 'zod';

/** Every `code` of a problem document, with the status that it comes with and what it means. Failure codes of providers come with 409. */
export const PROBLEMS = {
  malformed: [400, 'The request cannot be read'],
  unauthenticated: [401, 'No valid API key was given'],
  forbidden: [403, 'The key lacks the scope'],
  'not-found': [404, 'There is no such thing'],
  'read-only': [409, 'It is managed by the settings file'],
  taken: [409, 'The name or handle belongs to another'],
  'in-use': [409, 'Something else still needs it'],
  'in-flight': [409, 'The first request with this Idempotency-Key is still running'],
  'already-sent': [409, 'The message is on its way or settled'],
  'no-thread': [409, 'The conversation has no such thread'],
  'not-supported': [409, 'The channel or connector cannot do this'],
  'window-closed': [409, 'The reply window is closed or used up'],
  'opted-out': [409, 'The recipient asked not to be written to'],
  'recipient-gone': [409, 'The recipient does not exist any more'],
  'config-invalid': [409, 'The settings of the account do not work'],
  unauthorized: [409, 'The provider refuses the credentials'],
  throttled: [409, 'The provider takes no more for now'],
  'outcome-unknown': [409, 'It was handed over, and no answer tells whether it arrived'],
  'reply-unreadable': [409, 'The answer of the provider cannot be understood'],
  cancelled: [409, 'It was withdrawn'],
  'cursor-expired': [410, 'Events before this cursor are not kept any more'],
  gone: [410, 'It is not there any more'],
  'too-large': [413, 'The request is too large'],
  'unsupported-media-type': [415, 'The body has a type that is not taken here'],
  invalid: [422, 'The input does not have the right shape'],
  'content-refused': [422, 'The channel cannot carry this content'],
  'code-wrong': [422, 'The one-time code is not right, or not valid any more'],
  'idempotency-mismatch': [422, 'The Idempotency-Key was used with another request'],
  'rate-limited': [429, 'Too many requests'],
  internal: [500, 'The gateway failed'],
  unavailable: [503, 'The gateway cannot do this now'],
} as const satisfies Record<string, readonly [number, string]>;
export type ProblemCode = keyof typeof PROBLEMS;

/** An RFC 9457 problem document: the body of every error. */
export const Problem = z
  .object({
    type: z.string().describe('Where the code is explained, relative to the gateway.'),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().describe('What programs branch on.'),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .describe('Of invalid input: each fault, with its place.'),
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof Problem>;

export interface RefusalOptions {
  readonly errors?: readonly { path: string; message: string }[];
  /** Earliest useful next attempt, whole seconds. */
  readonly retryAfterS?: number;
  readonly cause?: unknown;
}

/** A request is refused: becomes the problem document of its code. */
export class Refusal extends Error {
  override readonly name = 'Refusal';

  constructor(
    readonly code: ProblemCode,
    readonly detail: string,
    readonly options: RefusalOptions = {},
  ) {
    super(detail, { cause: options.cause });
  }

  get status(): number {
    return PROBLEMS[this.code][0];
  }

  toProblem(): Problem {
    const [status, title] = PROBLEMS[this.code];
    const { errors } = this.options;
    return {
      type: `/docs#${this.code}`,
      title,
      status,
      detail: this.detail,
      code: this.code,
      ...(errors && { errors: [...errors] }),
    };
  }
}
