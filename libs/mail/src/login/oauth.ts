import { createSign } from 'node:crypto';
import { ProviderFailure } from '#normalizer';
import { statusFailure, type HttpResponse } from '#transport';
import type { MailContext } from '../context.js';
import type { Mailbox } from '../settings.js';

type OAuth = NonNullable<Mailbox['oauth']>;
type Context = Pick<MailContext, 'http' | 'now'>;

interface Tokens {
  readonly access_token?: unknown;
  readonly refresh_token?: unknown;
  readonly error?: unknown;
}

/** Source: Microsoft Entra "OAuth 2.0 for IMAP, POP and SMTP", Google "OAuth 2.0 for server to server applications". */
const SCOPES = {
  microsoft: {
    'client-credentials': 'https://outlook.office365.com/.default',
    'refresh-token':
      'https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access',
  },
  google: { 'client-credentials': 'https://mail.google.com/', 'refresh-token': 'https://mail.google.com/' },
  other: { 'client-credentials': undefined, 'refresh-token': undefined },
} as const;

/** What a refusal means that stands in the `error` of the answer (RFC 6749 section 5.2). */
const REFUSALS: Readonly<Record<string, string>> = {
  invalid_grant: 'the refresh token, or the service account, is not good any more: allow the mailbox again and set the new one',
  invalid_client: 'the client id or its secret is refused: secrets expire, make a new one',
  unauthorized_client: 'the application may not do this: give it the permissions of a mailbox and have an administrator consent',
  interaction_required: 'somebody has to log in again: allow the mailbox again and set the new refresh token',
  consent_required: 'an administrator has to consent to the permissions of the application',
  invalid_scope: 'the scope is refused: compare `scope` with the permissions of the application',
}; // prettier-ignore

/** How long a Google assertion is good for, seconds. */
const ASSERTION_S = 600;

/** A fresh access token, and the refresh token that comes with it, where one does. Throws `ProviderFailure`. */
export async function fetchTokens(
  { oauth, user, refreshToken }: { readonly oauth: OAuth; readonly user: string; readonly refreshToken: string },
  { http, now }: Context,
): Promise<{ access: string; refresh?: string }> {
  const url = oauth.endpoint ?? endpointOf(oauth);
  const scope = oauth.scope ?? SCOPES[oauth.provider][oauth.grant];
  const body = new URLSearchParams(grant(oauth, { url, scope: scope ?? '', user, refreshToken, now: now() }));
  // A Google service account says its scope within the assertion.
  if (scope !== undefined && !body.has('assertion')) body.set('scope', scope);
  const answer = await asked(() => http.request({ method: 'POST', url, body }));
  const said = answer.status < 500 ? tokensIn(answer) : {};
  if (answer.status >= 300) throw refusal(said, answer, now());
  const { access_token: access, refresh_token: refresh } = said;
  if (typeof access !== 'string' || access === '')
    throw new ProviderFailure('unavailable', 'the token server answered without a token');
  return { access, ...(typeof refresh === 'string' && refresh !== '' && { refresh }) };
}

/** Nothing was handed over, whatever became of the request: it may be made again. */
async function asked(request: () => Promise<HttpResponse>): Promise<HttpResponse> {
  try {
    return await request();
  } catch (error) {
    if (!(error instanceof ProviderFailure) || error.code === 'config-invalid') throw error;
    throw new ProviderFailure('unavailable', `the token server cannot be reached: ${error.message}`, { cause: error });
  }
}

function tokensIn(answer: HttpResponse): Tokens {
  try {
    const said: unknown = answer.json();
    return typeof said === 'object' && said !== null ? said : {};
  } catch {
    return {};
  }
}

function refusal({ error }: Tokens, answer: HttpResponse, now: number): ProviderFailure {
  const words = typeof error === 'string' && Object.hasOwn(REFUSALS, error) ? REFUSALS[error] : undefined;
  if (words === undefined) return statusFailure(answer, now);
  return new ProviderFailure('unauthorized', `no access token: ${words}`, { providerCode: String(error) });
}

function endpointOf({ provider, tenant }: OAuth): string {
  if (provider === 'google') return 'https://oauth2.googleapis.com/token';
  return `https://login.microsoftonline.com/${tenant ?? 'common'}/oauth2/v2.0/token`;
}

interface Asked {
  readonly url: string;
  readonly scope: string;
  readonly user: string;
  readonly refreshToken: string;
  readonly now: number;
}

function grant(oauth: OAuth, { url, scope, user, refreshToken, now }: Asked): Record<string, string> {
  if (oauth.privateKey !== undefined && oauth.grant === 'client-credentials') {
    const assertion = signed({ iss: oauth.clientId, sub: user, scope, aud: url }, oauth.privateKey, now);
    return { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion };
  }
  const client = { client_id: oauth.clientId, ...(oauth.clientSecret && { client_secret: oauth.clientSecret }) };
  return oauth.grant === 'client-credentials'
    ? { ...client, grant_type: 'client_credentials' }
    : { ...client, grant_type: 'refresh_token', refresh_token: refreshToken };
}

/** A JWT signed with RS256. Throws `config-invalid` where the key is none. */
function signed(claims: Record<string, string>, privateKey: string, now: number): string {
  const seconds = Math.floor(now / 1_000);
  const encoded = [
    { alg: 'RS256', typ: 'JWT' },
    { ...claims, iat: seconds, exp: seconds + ASSERTION_S },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  const text = encoded.join('.');
  try {
    return `${text}.${createSign('RSA-SHA256').update(text).sign(privateKey, 'base64url')}`;
  } catch {
    throw new ProviderFailure('config-invalid', 'oauth.privateKey is no private key in PEM');
  }
}
