import { createHash, createHmac } from 'node:crypto';

/** A call of an Alibaba Cloud API of the RPC style: everything is in the query. */
export interface RpcCall {
  readonly host: string;
  readonly action: string;
  readonly version: string;
  readonly query: Readonly<Record<string, string>>;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Another one for each request. */
  readonly nonce: string;
}

const EMPTY = sha256('');

/** Headers that sign a POST without a body by ACS3-HMAC-SHA256 (https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature). */
export function acs3Headers(call: RpcCall): Record<string, string> {
  const headers = {
    host: call.host,
    'x-acs-action': call.action,
    'x-acs-content-sha256': EMPTY,
    'x-acs-date': new Date(call.now).toISOString().replace(/\.\d{3}Z$/, 'Z'),
    'x-acs-signature-nonce': call.nonce,
    'x-acs-version': call.version,
  };
  const names = Object.keys(headers).join(';');
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  const canonical = ['POST', '/', canonicalQuery(call.query), lines.join(''), names, EMPTY].join('\n');
  const toSign = `ACS3-HMAC-SHA256\n${sha256(canonical)}`;
  const signature = createHmac('sha256', call.accessKeySecret).update(toSign).digest('hex');
  const authorization = `ACS3-HMAC-SHA256 Credential=${call.accessKeyId},SignedHeaders=${names},Signature=${signature}`;
  const { host: _, ...sent } = headers;
  return { ...sent, authorization };
}

/** The query, sorted and encoded by RFC 3986. */
export function canonicalQuery(query: Readonly<Record<string, string>>): string {
  return Object.keys(query)
    .sort()
    .map((name) => `${encode(name)}=${encode(query[name] ?? '')}`)
    .join('&');
}

/** A call of the message queue (https://help.aliyun.com/document_detail/27487.htm). `resource`: path and query. */
export interface QueueCall {
  readonly method: 'GET' | 'DELETE';
  readonly resource: string;
  readonly contentType: string;
  readonly date: string;
  readonly version: string;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
}

/** The `Authorization` of a call of the message queue. */
export function queueAuthorization(call: QueueCall): string {
  const toSign = [call.method, '', call.contentType, call.date, `x-mns-version:${call.version}`, call.resource].join(
    '\n',
  );
  return `MNS ${call.accessKeyId}:${createHmac('sha1', call.accessKeySecret).update(toSign).digest('base64')}`;
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
