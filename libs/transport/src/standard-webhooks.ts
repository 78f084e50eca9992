import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  sign,
  timingSafeEqual,
  verify,
  type KeyObject,
} from 'node:crypto';
import type { Verdict } from './webhook.js';

/** What is signed: `id.timestamp.body`, the body as the bytes that travel. `timestamp` in seconds since the epoch. */
export interface SignedMessage {
  readonly id: string;
  readonly timestamp: number;
  readonly body: string | Buffer;
}

type Key =
  | { readonly version: 'v1'; readonly secret: Buffer }
  | { readonly version: 'v1a'; readonly secret: KeyObject; readonly signs: boolean };

/** How far the sender's clock may be off, seconds (Standard Webhooks, reference libraries). */
const TOLERANCE = 300;
/** Most signatures in one header: two secrets while one is being rotated, each read two ways, and room for versions to come. */
const MOST_SIGNATURES = 10;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;
const ED25519 = {
  private: Buffer.from('302e020100300506032b657004220420', 'hex'),
  public: Buffer.from('302a300506032b6570032100', 'hex'),
};

/**
 * The value of `webhook-signature` for a message, by the Standard Webhooks specification: one signature per secret, in order.
 * A secret is `whsec_` and base64 (HMAC-SHA256, `v1`), `whsk_` and base64 (ed25519, `v1a`), or free text; free text that happens to be
 * base64 signs twice, as text and as what it encodes, because receivers' libraries read it either way. Throws a `TypeError`
 * where there is no secret, where one is empty or ill-formed, and where the id holds a dot.
 */
export function signWebhook(secrets: readonly string[], message: SignedMessage): string {
  if (message.id.includes('.')) throw new TypeError('the id of a signed message must not hold a dot');
  const content = new Signed(message.id, String(message.timestamp), message.body);
  return keysOf(secrets)
    .map((key) => {
      if (key.version === 'v1') return `v1,${content.hmac(key.secret)}`;
      if (!key.signs) throw new TypeError('a whpk_ key only verifies');
      return `v1a,${sign(null, content.bytes(), key.secret).toString('base64')}`;
    })
    .join(' ');
}

/** The three headers of a signed message. */
export function webhookHeaders(secrets: readonly string[], message: SignedMessage): Record<string, string> {
  return {
    'webhook-id': message.id,
    'webhook-timestamp': String(message.timestamp),
    'webhook-signature': signWebhook(secrets, message),
  };
}

/**
 * Is this message signed with one of the secrets, and not more than 300 s old or early? Compares in constant time, the body byte by byte;
 * unknown versions in the list are skipped, a list of more than ten is refused. Header names in lower case. Throws a `TypeError` for an empty or ill-formed secret.
 */
export function verifyWebhook(
  secrets: readonly string[],
  message: { readonly headers: Readonly<Record<string, string>>; readonly body: string | Buffer },
  nowMs: number,
): Verdict {
  const keys = keysOf(secrets);
  const id = message.headers['webhook-id'];
  const timestamp = message.headers['webhook-timestamp'];
  const list = message.headers['webhook-signature'];
  if (!id || !timestamp || !list) return reject('a webhook header is missing');
  if (id.includes('.')) return reject('webhook-id holds a dot');
  if (!/^\d{1,12}$/.test(timestamp)) return reject('webhook-timestamp is no number of seconds');
  if (Math.abs(Math.floor(nowMs / 1000) - Number(timestamp)) > TOLERANCE)
    return reject('webhook-timestamp is too far off');
  const given = list.split(/\s+/, MOST_SIGNATURES + 1).map((entry) => entry.replace(/,$/, ''));
  if (given.length > MOST_SIGNATURES) return reject(`webhook-signature holds more than ${MOST_SIGNATURES} signatures`);
  const content = new Signed(id, timestamp, message.body);
  const genuine = keys.some((key) => {
    const ours = given.filter((entry) => entry.startsWith(`${key.version},`));
    const signatures = ours.map((entry) => entry.slice(key.version.length + 1));
    return signatures.length > 0 && matches(key, content, signatures);
  });
  return genuine ? { kind: 'accept' } : reject('no signature matches');
}

/** Compares two texts or byte strings in a time that does not depend on where they differ. */
export function constantTimeEqual(a: string | Buffer, b: string | Buffer): boolean {
  const [left, right] = [Buffer.from(a as string), Buffer.from(b as string)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Is one of the signatures that of the content? What has to be computed of the content is computed once. */
function matches(key: Key, content: Signed, signatures: readonly string[]): boolean {
  if (key.version === 'v1') {
    const expected = content.hmac(key.secret);
    return signatures.some((signature) => constantTimeEqual(signature, expected));
  }
  const given = signatures.map((signature) => Buffer.from(signature, 'base64')).filter(({ length }) => length === 64);
  return given.some((bytes) => verify(null, content.bytes(), key.secret, bytes));
}

function keysOf(secrets: readonly string[]): Key[] {
  const keys = secrets.flatMap(keysIn);
  if (keys.length === 0) throw new TypeError('there is no secret to sign or verify with');
  return keys;
}

/** What secrets hold, of those that were used last: the same few sign and verify all the time. */
const known = new Map<string, Key[]>();
const MOST_KNOWN = 1_000;

function keysIn(secret: string): Key[] {
  const found = known.get(secret);
  if (found) return found;
  const keys = parseSecret(secret);
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(secret, keys);
  return keys;
}

function parseSecret(secret: string): Key[] {
  const [, prefix, encoded] = /^(whsec_|whsk_|whpk_)(.*)$/s.exec(secret) ?? [];
  if (prefix === undefined || encoded === undefined) {
    if (secret === '') throw new TypeError('a webhook secret is empty');
    const readings = [Buffer.from(secret), ...(BASE64.test(secret) ? [Buffer.from(secret, 'base64')] : [])];
    return readings.filter(({ length }) => length > 0).map((bytes) => ({ version: 'v1', secret: bytes }));
  }
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.length === 0 || !BASE64.test(encoded))
    throw new TypeError(`a webhook secret holds no base64 after ${prefix}`);
  if (prefix === 'whsec_') return [{ version: 'v1', secret: bytes }];
  return [{ version: 'v1a', secret: ed25519(prefix, bytes), signs: prefix === 'whsk_' }];
}

/** `whsk_` holds seed and public key, 64 bytes; `whpk_` the public key, 32 bytes. */
function ed25519(prefix: string, bytes: Buffer): KeyObject {
  return prefix === 'whsk_'
    ? createPrivateKey({ key: Buffer.concat([ED25519.private, bytes.subarray(0, 32)]), format: 'der', type: 'pkcs8' })
    : createPublicKey({ key: Buffer.concat([ED25519.public, bytes]), format: 'der', type: 'spki' });
}

/** The bytes that are signed. An HMAC takes them as they lie; put together they are only for ed25519, which wants them whole. */
class Signed {
  private readonly head: string;

  constructor(
    id: string,
    timestamp: string,
    private readonly body: string | Buffer,
  ) {
    this.head = `${id}.${timestamp}.`;
  }

  hmac(secret: Buffer): string {
    return createHmac('sha256', secret).update(this.head).update(this.body).digest('base64');
  }

  bytes(): Buffer {
    return Buffer.concat([Buffer.from(this.head), Buffer.from(this.body as string)]);
  }
}

function reject(reason: string): Verdict {
  return { kind: 'reject', reason };
}
