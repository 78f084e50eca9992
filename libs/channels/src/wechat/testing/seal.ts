import { createCipheriv, randomBytes } from 'node:crypto';
import type { RawRequest } from '#transport';
import { aesKey, signatureOf } from '../crypto.js';

/** What a callback is sealed with: as its receiver opens it. */
export interface Seal {
  readonly token: string;
  readonly receiverId: string;
  /** Absent: plaintext mode. */
  readonly encodingAESKey?: string | undefined;
  readonly family?: 'wechat' | 'wecom';
  /** The plain fields stand beside the encrypted message. */
  readonly compatible?: boolean;
}

/** Encrypts as WeChat does. `noise`: 16 bytes, random unless given. */
export function encrypt(
  message: string | Buffer,
  { encodingAESKey = '', receiverId }: Pick<Seal, 'encodingAESKey' | 'receiverId'>,
  noise: Buffer = randomBytes(16),
): string {
  const body = Buffer.from(message as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return encryptBlocks(pad(Buffer.concat([noise, length, body, Buffer.from(receiverId)])), encodingAESKey);
}

/** Encrypts bytes that are whole blocks already, whatever stands in them. */
export function encryptBlocks(padded: Buffer, encodingAESKey: string): string {
  const key = aesKey(encodingAESKey);
  const cipher = createCipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false);
  return Buffer.concat([cipher.update(padded), cipher.final()]).toString('base64');
}

function pad(plain: Buffer): Buffer {
  const missing = 32 - (plain.length % 32);
  return Buffer.concat([plain, Buffer.alloc(missing, missing)]);
}

/** What WeChat makes of a callback at a time (milliseconds): signs it, and encrypts its body unless in plaintext mode. */
export function sealed(request: RawRequest, seal: Seal, now: number): RawRequest {
  const { token, encodingAESKey, family = 'wechat' } = seal;
  const timestamp = String(Math.floor(now / 1_000));
  const nonce = '1320562132';
  const query = new URLSearchParams(request.query);
  query.set('timestamp', timestamp);
  query.set('nonce', nonce);
  if (family === 'wechat') query.set('signature', signatureOf(token, timestamp, nonce));
  if (request.method === 'GET') {
    const echo = query.get('echostr') ?? '';
    if (family === 'wecom') {
      const encrypted = encrypt(echo, seal, NOISE);
      query.set('echostr', encrypted);
      query.set('msg_signature', signatureOf(token, timestamp, nonce, encrypted));
    }
    return { ...request, query };
  }
  if (encodingAESKey === undefined) return { ...request, query };
  const encrypted = encrypt(request.body, seal, NOISE);
  if (family === 'wechat') query.set('encrypt_type', 'aes');
  query.set('msg_signature', signatureOf(token, timestamp, nonce, encrypted));
  return { ...request, query, body: Buffer.from(envelope(request.body, encrypted, seal)) };
}

/** The same request is sealed the same way each time, so that tests can compare. */
const NOISE = Buffer.from('89465c840c5f116f');

function envelope(body: Buffer, encrypted: string, { receiverId, compatible }: Seal): string {
  const text = body.toString();
  if (text.startsWith('{')) {
    const plain = compatible ? (JSON.parse(text) as object) : { ToUserName: receiverId };
    return JSON.stringify({ ...plain, Encrypt: encrypted });
  }
  const element = `<Encrypt><![CDATA[${encrypted}]]></Encrypt>`;
  return compatible
    ? text.replace('</xml>', `${element}</xml>`)
    : `<xml><ToUserName><![CDATA[${receiverId}]]></ToUserName>${element}</xml>`;
}

/** XML as WeChat writes it: numbers bare, all else in CDATA. */
export function xmlOf(fields: Readonly<Record<string, string | number>>): string {
  const elements = Object.entries(fields).map(([name, value]) =>
    typeof value === 'number' || /^\d+$/.test(value)
      ? `<${name}>${value}</${name}>`
      : `<${name}><![CDATA[${value.replaceAll(']]>', ']]]]><![CDATA[>')}]]></${name}>`,
  );
  return `<xml>${elements.join('\n')}</xml>`;
}
