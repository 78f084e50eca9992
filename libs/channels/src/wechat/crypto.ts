import { createDecipheriv, createHash } from 'node:crypto';
import { MalformedRequest, constantTimeEqual } from '#transport';

/** Padding fills up to blocks of 32 bytes, not to AES's own 16, so that pads of 17 to 32 occur. */
const BLOCK = 32;
/** Random bytes before the length of the message. */
const NOISE = 16;
const HEAD = NOISE + 4;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** Hex SHA-1 of the sorted values, written one after the other: the signature of every callback of the WeChat family. */
export function signatureOf(...values: readonly string[]): string {
  return createHash('sha1')
    .update([...values].sort().join(''))
    .digest('hex');
}

/** The 32 bytes of an EncodingAESKey. Its 43rd character carries two bits that mean nothing, and need not be zero. */
export function aesKey(encodingAESKey: string): Buffer {
  return Buffer.from(`${encodingAESKey}=`, 'base64');
}

/**
 * Opens what WeChat encrypted for `receiverId` (an app id or corp id): AES-256-CBC over 16 random bytes, the length of the message
 * (4 bytes, big endian), the message and the receiver. Checked are the alphabet, the blocks, every byte of the padding, the length and
 * the receiver. Whatever is wrong, the same `MalformedRequest` is thrown: it tells nobody how far a forgery came. Nothing inside is a
 * signature: verify that of the envelope first. Source: the sample code of developers.weixin.qq.com, "消息加解密".
 */
export function decrypt(encrypted: string, encodingAESKey: string, receiverId: string): Buffer {
  const plain = unpad(decipher(encrypted, aesKey(encodingAESKey)));
  const length = plain && plain.length >= HEAD ? plain.readUInt32BE(NOISE) : Infinity;
  if (!plain || length > plain.length - HEAD) throw undecipherable();
  if (!constantTimeEqual(plain.subarray(HEAD + length), Buffer.from(receiverId))) throw undecipherable();
  return plain.subarray(HEAD, HEAD + length);
}

function undecipherable(): MalformedRequest {
  return new MalformedRequest('the message cannot be decrypted with the EncodingAESKey and the id of this account');
}

function decipher(encrypted: string, key: Buffer): Buffer | null {
  if (!BASE64.test(encrypted)) return null;
  const bytes = Buffer.from(encrypted, 'base64');
  if (bytes.length === 0 || bytes.length % BLOCK !== 0) return null;
  const opener = createDecipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false);
  return Buffer.concat([opener.update(bytes), opener.final()]);
}

function unpad(padded: Buffer | null): Buffer | null {
  const pad = padded?.at(-1) ?? 0;
  if (!padded || pad < 1 || pad > BLOCK) return null;
  const end = padded.length - pad;
  return padded.subarray(end).every((byte) => byte === pad) ? padded.subarray(0, end) : null;
}
