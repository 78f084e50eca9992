import { createPublicKey, type KeyObject } from 'node:crypto';
import type { WebchatConfig } from '#channels';
import { cleanText, normalizeHandle } from '#normalizer';
import { jwtVerify, type JWTPayload, type JWTVerifyOptions } from 'jose';
import type { Person } from './chat-session.js';

/** The token proves nothing. The message is for the company's developers; it names no secret and quotes no token. */
export class IdentityInvalid extends Error {
  override readonly name = 'IdentityInvalid';
}

const SKEW_S = 60;
const MAX_AGE_S = 30 * 86_400;

/**
 * Reads a token of the company's own backend (CONTRACT section 5): the account's one algorithm, a `sub`, an `exp` no more than 30 days ahead, and
 * where there is an `aud`, the account's id. Throws `IdentityInvalid`.
 */
export async function verifyIdentity(token: string, config: WebchatConfig, accountId: string): Promise<Person> {
  const payload = await verified(token, config);
  const { sub, aud, exp = 0, iat } = payload;
  const now = Date.now() / 1_000;
  if (exp - now > MAX_AGE_S + SKEW_S) throw new IdentityInvalid('the token lives longer than 30 days');
  if (iat !== undefined && iat - now > SKEW_S) throw new IdentityInvalid('the token is from the future');
  if (aud !== undefined && ![aud].flat().includes(accountId))
    throw new IdentityInvalid('the token is for another audience');
  const client = normalized('client', sub);
  if (!client) throw new IdentityInvalid('the token has no usable sub');
  const name =
    typeof payload['name'] === 'string' ? cleanText(payload['name']).trim().slice(0, 500).toWellFormed() : '';
  return {
    sub: client,
    ...(name && { name }),
    ...compact({ email: normalized('email', payload['email']), phone: normalized('phone', payload['phone']) }),
  };
}

async function verified(token: string, { secret, publicKey }: WebchatConfig): Promise<JWTPayload> {
  const options: JWTVerifyOptions = { clockTolerance: SKEW_S, requiredClaims: ['sub', 'exp'] };
  try {
    if (secret !== undefined) {
      const key = new TextEncoder().encode(secret);
      return (await jwtVerify(token, key, { ...options, algorithms: ['HS256'] })).payload;
    }
    if (publicKey !== undefined) {
      return (await jwtVerify(token, ed25519(publicKey), { ...options, algorithms: ['EdDSA', 'Ed25519'] })).payload;
    }
  } catch (error) {
    throw new IdentityInvalid(`the token is refused: ${(error as { code?: string }).code ?? 'unreadable'}`);
  }
  throw new IdentityInvalid('the account has neither secret nor publicKey');
}

function ed25519(text: string): KeyObject {
  const key = text.trimStart().startsWith('{')
    ? createPublicKey({ key: JSON.parse(text) as Record<string, string>, format: 'jwk' })
    : createPublicKey(text);
  if (key.asymmetricKeyType !== 'ed25519') throw new TypeError('not an Ed25519 key');
  return key;
}

/** An address in the form in which it is compared, or undefined where it is none: a badly written telephone number locks nobody out. */
function normalized(scheme: string, value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  try {
    return normalizeHandle({ scheme, value }).value;
  } catch {
    return undefined;
  }
}

function compact<T extends Record<string, string | undefined>>(members: T): Partial<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Partial<T>;
}
