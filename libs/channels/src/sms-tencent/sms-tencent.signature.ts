import { createHash, createHmac } from 'node:crypto';

/** A call of a Tencent Cloud API 3.0: a POST of JSON. */
export interface Tc3Call {
  readonly service: string;
  readonly host: string;
  readonly body: string;
  /** Seconds since the epoch; more than 5 minutes off is refused. */
  readonly timestamp: number;
  readonly secretId: string;
  readonly secretKey: string;
  /** Signed as well where it is given. */
  readonly action?: string;
}

export const CONTENT_TYPE = 'application/json; charset=utf-8';

/** The `Authorization` by TC3-HMAC-SHA256 (https://cloud.tencent.com/document/api/382/52072). The date is that of UTC. */
export function tc3Authorization(call: Tc3Call): string {
  const headers: Record<string, string> = { 'content-type': CONTENT_TYPE, host: call.host };
  if (call.action !== undefined) headers['x-tc-action'] = call.action.toLowerCase();
  const names = Object.keys(headers).join(';');
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  const canonical = ['POST', '/', '', lines.join(''), names, sha256(call.body)].join('\n');
  const date = new Date(call.timestamp * 1_000).toISOString().slice(0, 10);
  const scope = `${date}/${call.service}/tc3_request`;
  const toSign = `TC3-HMAC-SHA256\n${call.timestamp}\n${scope}\n${sha256(canonical)}`;
  const key = [date, call.service, 'tc3_request'].reduce<string | Buffer>(
    (secret, part) => hmac(secret, part),
    `TC3${call.secretKey}`,
  );
  const signature = hmac(key, toSign).toString('hex');
  return `TC3-HMAC-SHA256 Credential=${call.secretId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
