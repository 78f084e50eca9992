import type { Sql } from '#database';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { ProblemCode } from './problem.js';
import type { Caller, Scope } from './scopes.js';

type ObjectSchema = z.ZodObject<z.ZodRawShape>;

/** One call of the API, declared once: routing, guarding, validation and the OpenAPI document all read it. */
export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With parameters in braces: `/v1/messages/{id}`. */
  readonly path: string;
  readonly scope: Scope;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly params?: ObjectSchema;
  readonly query?: ObjectSchema;
  readonly body?: z.ZodType;
  /** May the body be left out? */
  readonly bodyOptional?: boolean;
  /** A file comes in the multipart field `file`; or also as the body, of one of these types, or as JSON of this shape (which the handler checks). */
  readonly upload?: boolean | { readonly types: readonly string[]; readonly json: z.ZodType };
  readonly status: 200 | 201 | 202 | 204;
  readonly answer?: z.ZodType;
  /** Codes beyond those that any call can give. */
  readonly problems?: readonly ProblemCode[];
  readonly examples?: { readonly body?: unknown; readonly answer?: unknown };
  /**
   * Of writing calls: `inside` (the default) runs in one transaction, in which its idempotency record commits. `outside` talks to others (or
   * streams), so it gets no transaction; its `Idempotency-Key` is claimed first, and its answer recorded afterwards.
   */
  readonly work?: 'inside' | 'outside';
  /** The answer holds a secret that is shown once: it is sealed in the idempotency record. */
  readonly secretAnswer?: boolean;
}

type Output<S> = S extends z.ZodType ? z.output<S> : undefined;

/** What a handler gets: everything validated, and the database as it may use it. */
export interface Call<E extends Endpoint = Endpoint> {
  readonly params: Output<E['params']>;
  readonly query: Output<E['query']>;
  readonly body: Output<E['body']>;
  readonly caller: Caller;
  /** The transaction of a writing call; the plain database of a reading one and of `work: 'outside'`. */
  readonly sql: Sql;
  /** Aborts when the caller hangs up. */
  readonly signal: AbortSignal;
  readonly request: FastifyRequest;
  /** Runs once the transaction is committed, before the answer. */
  afterCommit(work: () => void | Promise<void>): void;
  /** Gives these hints, with their payloads, once the transaction is committed. */
  hint(...hints: readonly (string | readonly [channel: string, payload: string])[]): void;
}

/** A request on its way through guard and interceptor. */
export interface CallingRequest extends FastifyRequest {
  caller?: Caller;
  call?: Call;
}
export type Reply = FastifyReply;

const endpoints = new WeakMap<object, Endpoint>();

/** Declares a call; keeps the literal types, from which `Call<typeof x>` is made. */
export function endpoint<const E extends Endpoint>(spec: E): E {
  return spec;
}

/**
 * What a handler of `work: 'outside'` may return: the part of its effect that belongs into the transaction of the idempotency record. `evidence`
 * is what of the request only the handler knows (the hash of an uploaded file).
 */
export class Finish {
  constructor(
    readonly commit: (sql: Sql) => Promise<unknown>,
    readonly evidence?: unknown,
    /** Called where it does not come to that: the answer was recorded before, or something failed. */
    readonly undo: () => Promise<void> = () => Promise.resolve(),
  ) {}
}

/** Notes that a method serves an endpoint. */
export function bindEndpoint(handler: object, spec: Endpoint): void {
  endpoints.set(handler, spec);
}

/** The validated call, as the interceptor laid it down. */
export const Called = createParamDecorator((_: unknown, context: ExecutionContext): Call => {
  const { call } = context.switchToHttp().getRequest<CallingRequest>();
  if (!call) throw new Error('the call was not prepared');
  return call;
});

export function endpointOf(handler: object): Endpoint | undefined {
  return endpoints.get(handler);
}

/** The endpoints of controllers, in the order in which their methods are written. */
export function endpointsOf(controllers: readonly (new (...args: never[]) => object)[]): Endpoint[] {
  return controllers.flatMap((controller) =>
    Object.getOwnPropertyNames(controller.prototype)
      .map((name) => endpointOf((controller.prototype as Record<string, object>)[name] ?? {}))
      .filter((spec): spec is Endpoint => spec !== undefined),
  );
}
