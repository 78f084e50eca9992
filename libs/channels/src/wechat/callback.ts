import { MalformedRequest, constantTimeEqual, type RawRequest, type ReplyToProvider, type Verdict } from '#transport';
import { decrypt, signatureOf } from './crypto.js';
import { textOf, type Fields } from './fields.js';
import { readJson } from './json.js';
import { readXml } from './xml.js';

/** What guards the callbacks of one account. */
export interface CallbackGuard {
  readonly token: string;
  /** Where it is given, messages must be encrypted with it for `receiverId`; a plain one is a forgery then. */
  readonly encodingAESKey?: string | undefined;
  /** App id or corp id. */
  readonly receiverId: string;
  /** WeCom signs `echostr` and messages by `msg_signature` alone and encrypts `echostr`; WeChat signs every request by `signature` too. */
  readonly family: 'wechat' | 'wecom';
}

/** Largest callback, bytes. Texts have 2,048 characters at most. */
export const MAX_CALLBACK_BYTES = 65_536;
const TEXT = { 'content-type': 'text/plain; charset=utf-8' };
/** What WeChat wants to hear within 5 seconds; anything else it repeats, twice. Its customer is told of a fault after that. */
export const SUCCESS: ReplyToProvider = { status: 200, headers: TEXT, body: 'success' };
/** WeChat repeats a callback twice within seconds; what was signed longer ago is a replay. */
const FRESH_MS = 300_000;

/**
 * Is a callback genuine? A GET is the provider's test of the address and is answered with its `echostr`. A POST must be signed over
 * token, time and nonce, and where messages are encrypted over the encrypted message as well. In plaintext mode WeChat signs no bodies
 * at all: whoever saw one request can forge others for five minutes. Compared in constant time. Never throws on a WeChat guard; what
 * `decrypt` throws for an `echostr` is a reject to core.
 */
export function verifyCallback(request: RawRequest, guard: CallbackGuard, now: number): Verdict {
  const signed = request.query.get('timestamp') ?? '';
  if (!/^\d{10}$/.test(signed)) return reject('the time of the signature is missing');
  if (Math.abs(now - Number(signed) * 1_000) > FRESH_MS) return reject('the signature is more than 5 minutes off');
  if (guard.family === 'wechat' && !matches(request, guard, 'signature')) return reject('the signature does not match');
  if (request.method === 'GET') return echo(request, guard);
  if (guard.encodingAESKey === undefined) return { kind: 'accept' };
  const { Encrypt: encrypted = '' } = envelope(request);
  return encrypted !== '' && matches(request, guard, 'msg_signature', encrypted)
    ? { kind: 'accept' }
    : reject('the message is not encrypted, or its signature does not match');
}

/** What a verified callback says. Throws `MalformedRequest`. */
export function openCallback(request: Pick<RawRequest, 'body'>, guard: CallbackGuard): Fields {
  const fields = envelope(request);
  if (guard.encodingAESKey !== undefined) {
    const message = decrypt(fields.Encrypt ?? '', guard.encodingAESKey, guard.receiverId);
    return readFields(textOf(message));
  }
  if (fields.Encrypt !== undefined && fields.MsgType === undefined)
    throw new MalformedRequest(
      'the message is encrypted: set the mode and the EncodingAESKey of the account as they are at WeChat',
    );
  return fields;
}

/** Reads a body, XML or JSON, by how it begins. Throws `MalformedRequest`. */
export function readFields(text: string): Fields {
  return /^\s*\{/.test(text) ? readJson(text) : readXml(text);
}

const ECHO = /^[\w-]{1,128}$/;

function echo(request: RawRequest, guard: CallbackGuard): Verdict {
  const given = request.query.get('echostr') ?? '';
  if (given === '' || given.length > 1_024) return reject('the echostr is missing');
  if (guard.family === 'wechat') return challenge(given);
  if (!matches(request, guard, 'msg_signature', given)) return reject('the signature does not match');
  const plain = decrypt(given, guard.encodingAESKey ?? '', guard.receiverId).toString();
  // Whoever captured a callback could have it read out here: what is asked for is a short random text.
  return ECHO.test(plain) ? challenge(plain) : reject('the echostr is none');
}

function challenge(body: string): Verdict {
  return { kind: 'challenge', reply: { status: 200, headers: TEXT, body } };
}

function matches(
  { query }: RawRequest,
  { token }: CallbackGuard,
  ...[name, ...signed]: readonly [string, ...string[]]
): boolean {
  const expected = signatureOf(token, query.get('timestamp') ?? '', query.get('nonce') ?? '', ...signed);
  return constantTimeEqual(expected, query.get(name) ?? '');
}

function envelope({ body }: Pick<RawRequest, 'body'>): Fields {
  return readFields(textOf(body));
}

function reject(reason: string): Verdict {
  return { kind: 'reject', reason };
}
