import { z } from 'zod';

/** Every way in which an outside system can refuse or fail us. Closed: the relay reads `FAILURES` and asks nothing else. */
export const FailureCode = z
  .enum([
    'config-invalid',
    'unauthorized',
    'content-refused',
    'window-closed',
    'recipient-gone',
    'opted-out',
    'throttled',
    'unavailable',
    'outcome-unknown',
    'reply-unreadable',
    'cancelled',
  ])
  .meta({ id: 'FailureCode' });
export type FailureCode = z.infer<typeof FailureCode>;

/** Whose business a failure is. */
export type FailureOwner = 'operator' | 'agent' | 'contact' | 'provider';

export interface FailureRule {
  /** May the same thing be tried again? `outcome-unknown` may only where sending is idempotent. */
  retryable: boolean;
  owner: FailureOwner;
  /** What is set aside meanwhile: only this item, or everything of the account or destination. */
  scope: 'item' | 'target';
  meaning: string;
}

export const FAILURES: Readonly<Record<FailureCode, FailureRule>> = {
  'config-invalid': {
    retryable: false,
    owner: 'operator',
    scope: 'target',
    meaning: 'the settings of the account or destination do not work',
  },
  unauthorized: { retryable: true, owner: 'operator', scope: 'target', meaning: 'the credentials were refused' },
  'content-refused': { retryable: false, owner: 'agent', scope: 'item', meaning: 'the provider refuses this content' },
  'window-closed': {
    retryable: false,
    owner: 'agent',
    scope: 'item',
    meaning: 'the reply window or its quota is used up',
  },
  'recipient-gone': {
    retryable: false,
    owner: 'contact',
    scope: 'item',
    meaning: 'the recipient does not exist any more',
  },
  'opted-out': {
    retryable: false,
    owner: 'contact',
    scope: 'item',
    meaning: 'the recipient asked not to be written to',
  },
  throttled: { retryable: true, owner: 'provider', scope: 'target', meaning: 'too many requests; try again later' },
  unavailable: {
    retryable: true,
    owner: 'provider',
    scope: 'item',
    meaning: 'the other side did not answer or answered with an error of its own',
  },
  'outcome-unknown': {
    retryable: false,
    owner: 'provider',
    scope: 'item',
    meaning: 'it was handed over, and no answer tells whether it arrived',
  },
  'reply-unreadable': {
    retryable: false,
    owner: 'provider',
    scope: 'item',
    meaning: 'the answer cannot be understood; it may have arrived',
  },
  cancelled: { retryable: false, owner: 'agent', scope: 'item', meaning: 'withdrawn before it was sent' },
};

/** A failure as messages and dead letters carry it. `lasting`: nothing else goes there either, until the person writes again. */
export const Failure = z
  .object({
    code: FailureCode,
    providerCode: z.string().optional(),
    message: z.string(),
    retryable: z.boolean(),
    owner: z.enum(['operator', 'agent', 'contact', 'provider']),
    lasting: z
      .literal(true)
      .optional()
      .describe('Nothing else goes there either, until the person writes again: the thread is closed.'),
  })
  .meta({ id: 'Failure' });
export type Failure = z.infer<typeof Failure>;

/** Thrown by adapters and connectors: the only error that the relay understands without guessing. */
export class ProviderFailure extends Error {
  override readonly name = 'ProviderFailure';
  readonly providerCode?: string;
  /** Earliest useful next attempt, milliseconds from now (a Retry-After). */
  readonly retryAfterMs?: number;
  /** `item`: only this one is concerned, whatever `FAILURES` says of the code: a limit of one recipient holds up no other. */
  readonly scope?: 'item';
  /** Nothing else goes there either: the thread is closed until the person writes again. For `recipient-gone`. */
  readonly lasting?: true;

  constructor(
    readonly code: FailureCode,
    message: string,
    options: { providerCode?: string; retryAfterMs?: number; scope?: 'item'; lasting?: true; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.providerCode = options.providerCode;
    this.retryAfterMs = options.retryAfterMs;
    this.scope = options.scope;
    this.lasting = options.lasting;
  }

  toFailure(): Failure {
    const { retryable, owner } = FAILURES[this.code];
    return {
      code: this.code,
      ...(this.providerCode && { providerCode: this.providerCode }),
      message: this.message,
      retryable,
      owner,
      ...(this.lasting && { lasting: true as const }),
    };
  }
}
