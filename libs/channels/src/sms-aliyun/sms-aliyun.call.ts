import { randomUUID } from 'node:crypto';
import { rebase, type HttpResponse } from '#transport';
import type { AdapterContext } from '../core/adapter.js';
import type { SmsAliyunConfig } from './sms-aliyun.config.js';
import { acs3Headers, canonicalQuery } from './sms-aliyun.signature.js';

export type Context = AdapterContext<SmsAliyunConfig>;

export interface Api {
  readonly endpoint: string;
  readonly version: string;
}
/** SMS in mainland China, SMS abroad, and the door to the message queues. */
export const DYSMS: Api = { endpoint: 'https://dysmsapi.aliyuncs.com', version: '2017-05-25' };
export const GLOBE: Api = { endpoint: 'https://dysmsapi.ap-southeast-1.aliyuncs.com', version: '2018-05-01' };
export const DYBASE: Api = { endpoint: 'https://dybaseapi.aliyuncs.com', version: '2017-05-25' };

/** One signed call. Any status is returned. */
export function call(
  ctx: Context,
  { api, action, query }: { api: Api; action: string; query: Readonly<Record<string, string>> },
): Promise<HttpResponse> {
  const { accessKeyId, accessKeySecret, apiBase } = ctx.config;
  const url = rebase(`${api.endpoint}/?${canonicalQuery(query)}`, apiBase);
  const { host } = new URL(url);
  const signed = acs3Headers({
    ...{ host, action, version: api.version, query, accessKeyId, accessKeySecret },
    ...{ now: ctx.now(), nonce: randomUUID() },
  });
  return ctx.http.request({
    method: 'POST',
    url,
    headers: { ...signed, accept: 'application/json' },
    signal: ctx.signal,
  });
}
