import { ProviderFailure, type FailureCode } from '#normalizer';
import { statusFailure, type HttpResponse } from '#transport';
import { z } from 'zod';
import type { AdapterContext } from '../core/adapter.js';
import type { TelegramConfig } from './telegram.config.js';

export type Context = AdapterContext<TelegramConfig>;

const Refusal = z.object({
  ok: z.literal(false),
  error_code: z.int(),
  description: z.string().default(''),
  parameters: z.object({ retry_after: z.number().nonnegative().optional() }).optional(),
});

/** What descriptions mean that share a code; the words of Telegram stay here. */
const MEANINGS: readonly (readonly [number, RegExp, FailureCode, string])[] = [
  [403, /blocked by the user/i, 'opted-out', 'the person blocked the bot'],
  [403, /deactivated/i, 'recipient-gone', 'the person has no account any more'],
  [403, /kicked|not a member/i, 'recipient-gone', 'the bot is not in the group any more'],
  [403, /can't initiate/i, 'window-closed', 'the person never wrote to the bot'],
  [400, /chat not found|user not found|upgraded to a supergroup/i, 'recipient-gone', 'there is no such chat'],
];
const CODES: Readonly<Record<number, readonly [FailureCode, string]>> = {
  400: ['content-refused', 'it refuses the content'],
  401: ['unauthorized', 'the token is refused'],
  403: ['content-refused', 'it forbids this'],
  404: ['unauthorized', 'it knows no such bot'],
  413: ['content-refused', 'the file is too large'],
  429: ['throttled', 'too many requests'],
};

/** Calls a method of the Bot API and reads its result. Throws `ProviderFailure`, which holds no word of Telegram's. */
export async function call<T>(
  ctx: Context,
  method: string,
  { body, shape }: { body?: object; shape: z.ZodType<T> },
): Promise<T> {
  const { apiBase, botToken } = ctx.config;
  const url = `${apiBase}/bot${botToken}/${method}`;
  const answer = await ctx.http.request({ method: 'POST', url, body: body ?? {}, signal: ctx.signal });
  const read = jsonOf(answer);
  const refused = Refusal.safeParse(read);
  if (refused.success) throw refusal(refused.data, answer, ctx.now());
  if (answer.status !== 200) throw statusFailure(answer, ctx.now());
  const result = z.object({ ok: z.literal(true), result: shape }).safeParse(read ?? answer.json());
  if (!result.success) throw new ProviderFailure('reply-unreadable', 'the answer is not of the documented form');
  return result.data.result;
}

function jsonOf(answer: HttpResponse): unknown {
  try {
    return answer.json();
  } catch {
    return undefined;
  }
}

function refusal(
  { error_code: code, description, parameters }: z.infer<typeof Refusal>,
  answer: HttpResponse,
  now: number,
): ProviderFailure {
  const said = MEANINGS.find(([of, words]) => of === code && words.test(description));
  const plain = statusFailure({ status: code, headers: answer.headers }, now);
  const [failure, meaning] = said ? [said[2], said[3]] : (CODES[code] ?? [plain.code, 'it failed']);
  const wait = parameters?.retry_after;
  const retryAfterMs = wait === undefined ? plain.retryAfterMs : wait * 1_000;
  return new ProviderFailure(failure, `Telegram ${code}: ${meaning}`, {
    providerCode: String(code),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}
