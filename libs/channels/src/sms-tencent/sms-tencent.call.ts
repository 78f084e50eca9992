import { ProviderFailure } from '#normalizer';
import type { AdapterContext } from '../core/adapter.js';
import { plainFailure } from '../sms/unsure.js';
import type { SmsTencentConfig } from './sms-tencent.config.js';
import { failureOf } from './sms-tencent.failures.js';
import { CONTENT_TYPE, tc3Authorization } from './sms-tencent.signature.js';

export type Context = AdapterContext<SmsTencentConfig>;

const VERSION = '2021-01-11';

/** One signed call; what it answers within `Response`. Refusals come with 200 and an `Error`. Throws `ProviderFailure`. */
export async function call<T extends object>(ctx: Context, action: string, parameters: object): Promise<Partial<T>> {
  const { apiBase, secretId, secretKey, region } = ctx.config;
  const { host } = new URL(apiBase);
  const body = JSON.stringify(parameters);
  const timestamp = Math.floor(ctx.now() / 1_000);
  const answer = await ctx.http.request({
    method: 'POST',
    url: `${apiBase}/`,
    headers: {
      ...{ 'content-type': CONTENT_TYPE, accept: 'application/json' },
      ...{ 'x-tc-action': action, 'x-tc-version': VERSION, 'x-tc-region': region, 'x-tc-timestamp': String(timestamp) },
      authorization: tc3Authorization({ service: 'sms', host, action, body, timestamp, secretId, secretKey }),
    },
    body,
    signal: ctx.signal,
  });
  if (answer.status !== 200) throw plainFailure(answer, ctx.now());
  const { Response: response } = answer.json<{ Response?: Partial<T> & { Error?: { Code?: unknown } } }>() ?? {};
  if (typeof response !== 'object' || response === null)
    throw new ProviderFailure('reply-unreadable', 'the answer holds no Response');
  const code = response.Error?.Code;
  if (response.Error) throw failureOf(typeof code === 'string' ? code : '', ctx.now());
  return response;
}
