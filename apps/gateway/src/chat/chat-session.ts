import { hkdfSync } from 'node:crypto';
import { newId, type Handle } from '#normalizer';
import { jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';

/** Somebody whom the company's own backend vouched for. */
export interface Person {
  readonly sub: string;
  readonly name?: string | undefined;
  readonly email?: string | undefined;
  readonly phone?: string | undefined;
}

/** Who sits at a browser, as far as one account is concerned. */
export interface Session {
  readonly visitorId: string;
  readonly accountId: string;
  readonly person?: Person | undefined;
}

/** How long a session lives, seconds. */
export const LIFETIME_S = 180 * 86_400;
const Claims = z.object({
  sub: z.string().regex(/^vis_[0-9a-f]{32}$/),
  aud: z.string(),
  exp: z.number(),
  person: z
    .object({
      sub: z.string(),
      name: z.string().optional(),
      email: z.string().optional(),
      phone: z.string().optional(),
    })
    .optional(),
});

/** Sessions that browsers keep: signed, so that the gateway need not. They are given anew at each welcome and die 180 days after the last. */
export class Sessions {
  private readonly keys: readonly Uint8Array[];

  /** The first of the server's secrets signs, any of them verifies. */
  constructor(secrets: string | Buffer | readonly (string | Buffer)[]) {
    const keyOf = (secret: string | Buffer) => hkdfSync('sha256', secret, '', 'tributary chat sessions v1', 32);
    this.keys = [secrets].flat().map((secret) => new Uint8Array(keyOf(secret)));
  }

  issue({ visitorId, accountId, person }: Session): Promise<string> {
    return new SignJWT(person ? { person } : {})
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(visitorId)
      .setAudience(accountId)
      .setExpirationTime(Math.floor(Date.now() / 1_000) + LIFETIME_S)
      .sign(this.keys[0]!);
  }

  /** The session of this account in a token, with its end in seconds; undefined for one that is forged, expired, or of another account. */
  async read(token: string, accountId: string): Promise<(Session & { readonly expires: number }) | undefined> {
    for (const key of this.keys) {
      const session = await readWith(key, token, accountId);
      if (session) return session;
    }
    return undefined;
  }
}

async function readWith(
  key: Uint8Array,
  token: string,
  accountId: string,
): Promise<(Session & { readonly expires: number }) | undefined> {
  try {
    const { payload } = await jwtVerify(token, key, { algorithms: ['HS256'], audience: accountId });
    const { sub, aud, exp, person } = Claims.parse(payload);
    return { visitorId: sub, accountId: aud, person, expires: exp };
  } catch {
    return undefined;
  }
}

/** Somebody new. */
export function newSession(accountId: string, person?: Person): Session {
  return { visitorId: newId('vis'), accountId, person };
}

/** The external id of the session's thread: a person's own on every device, else the browser's. */
export function threadOf({ visitorId, person }: Session): string {
  return person ? `client:${person.sub}` : visitorId;
}

/** What a message of this session proves of its sender. */
export function handlesOf({ visitorId, accountId, person }: Session): Handle[] {
  if (!person) return [{ scheme: 'visitor', scope: accountId, value: visitorId, proof: 'channel' }];
  const handles: Handle[] = [{ scheme: 'client', scope: accountId, value: person.sub, proof: 'verified' }];
  if (person.email) handles.push({ scheme: 'email', scope: '', value: person.email, proof: 'verified' });
  if (person.phone) handles.push({ scheme: 'phone', scope: '', value: person.phone, proof: 'verified' });
  return handles;
}
