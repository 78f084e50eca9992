import { ProviderFailure } from '#normalizer';
import { retryAfterOf, type Health, type HttpRequest, type HttpResponse } from '#transport';
import type { z } from 'zod';
import { DeliveryRefused, type ConnectorContext } from '../core/connector.js';

/**
 * One request to the ticket system. A status that is no success is a `DeliveryRefused` with its `Retry-After`, unless it is among `also`. Neither the
 * address nor the answer is told: both may hold secrets.
 */
export async function call(
  ctx: Pick<ConnectorContext<unknown>, 'http' | 'signal' | 'now'>,
  request: HttpRequest,
  also: readonly number[] = [],
): Promise<HttpResponse> {
  const answer = await ctx.http.request({ signal: ctx.signal, ...request });
  const { status } = answer;
  if ((status >= 200 && status <= 299) || also.includes(status)) return answer;
  throw new DeliveryRefused(status, `answered ${status}`, retryAfterOf(answer, ctx.now()));
}

/** What an answer says, where it is of this shape; throws `ProviderFailure` (`reply-unreadable`), which says where it is not. */
export function readAnswer<T>(schema: z.ZodType<T>, answer: HttpResponse): T {
  const parsed = schema.safeParse(answer.json());
  if (parsed.success) return parsed.data;
  throw new ProviderFailure(
    'reply-unreadable',
    `not an answer of this system: ${parsed.error.issues[0]?.path.join('.') || 'the whole of it'}`,
  );
}

/** What `work` reads; null where that is larger than may be read: one ticket that somebody fills must not hide the others. */
export async function unlessHuge<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ProviderFailure && error.providerCode === 'too-large') return null;
    throw error;
  }
}

/** What `check` answers: what `work` says where it ends well (throw `Unfit` where it does not), else what its failure means in words. Never throws. */
export async function checked(work: () => Promise<string>): Promise<Health> {
  try {
    return { ok: true, detail: await work() };
  } catch (error) {
    return { ok: false, detail: meaningOf(error) };
  }
}

/** Thrown within `checked`: what is wrong and what to do, in a sentence or two. */
export class Unfit extends Error {
  override readonly name = 'Unfit';
}

function meaningOf(error: unknown): string {
  if (error instanceof Unfit) return error.message;
  if (error instanceof DeliveryRefused) return `The ticket system answered ${error.status}. ${adviceOn(error.status)}`;
  if (!(error instanceof ProviderFailure))
    return 'The test failed for a reason of the gateway itself; look into its log.';
  if (error.code === 'reply-unreadable')
    return `What answers at \`apiBase\` is no such ticket system: ${error.message}.`;
  return `The ticket system cannot be reached: ${error.message}. Check \`apiBase\`, and \`network.allow\` for an address in a private network.`;
}

function adviceOn(status: number): string {
  if (status === 401) return 'The credentials were refused: make new ones and enter them here.';
  if (status === 403)
    return 'The user of these credentials lacks a right: see the README of the connector for those that it needs.';
  if (status === 404 || status === 410) return 'Check the path of `apiBase`.';
  if (status >= 300 && status <= 399) return 'Redirects are not followed: set `apiBase` to the address it leads to.';
  if (status === 429) return 'It is asked too often; try again later.';
  if (status >= 500) return 'It failed itself; look into its log, and try again.';
  return 'It does not take our requests: check its version and the settings.';
}
