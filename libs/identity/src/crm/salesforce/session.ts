import { ProviderFailure } from '#normalizer';
import { retryAfterOf, statusFailure, type HttpRequest, type HttpResponse } from '#transport';
import { items, member, readAnswer, text, type Json } from '../answer.js';
import type { CrmContext } from '../crm-directory.js';
import type { SalesforceConfig } from './salesforce.config.js';

type Context = CrmContext<SalesforceConfig>;

/** Sessions last as long as the org's policy says, two hours by default; one that ended earlier is told by a 401. */
const TOKEN_MS = 3_600_000;
const TOKEN = 'token';

/**
 * A call of the REST API below `/services/data/vNN.0`. A session that has ended (401 `INVALID_SESSION_ID`) is begun anew, once. Returns any answer
 * but a 401; `throwRefusal` says what the others mean.
 */
export async function call(ctx: Context, path: string, request: Omit<HttpRequest, 'url'> = {}): Promise<HttpResponse> {
  const { apiBase, apiVersion } = ctx.config;
  const ask = (token: string) =>
    ctx.http.request({
      ...request,
      url: `${apiBase}/services/data/${apiVersion}${path}`,
      headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
      signal: ctx.signal,
    });
  const token = await tokenOf(ctx);
  const answer = await ask(token);
  if (answer.status !== 401) return answer;
  // Whoever was refused with the same token may have got a new one meanwhile.
  if ((await tokenOf(ctx)) === token) await ctx.forget(TOKEN);
  const second = await ask(await tokenOf(ctx));
  if (second.status === 401) throw new ProviderFailure('unauthorized', 'Salesforce refuses a session that it just gave: check the policies of the connected app'); // prettier-ignore
  return second;
}

/** The JSON of a call that went well. Throws `ProviderFailure`. */
export async function query(ctx: Context, soql: string): Promise<readonly Json[]> {
  const answer = await call(ctx, '/query', { query: { q: soql } });
  throwRefusal(answer, ctx.now());
  return items(member(readAnswer(answer, ctx.now()), 'records'));
}

/**
 * Errors are `[{ errorCode, message }]`. Only the code is told, and the name of a column that does not exist: messages quote the query, and with it
 * whom was asked for.
 */
export function throwRefusal(answer: HttpResponse, nowMs: number): void {
  if (answer.status < 400) return;
  const [error] = items(parsed(answer));
  const code = /^[A-Z_]{1,60}$/.exec(text(member(error, 'errorCode')) ?? '')?.[0];
  if (!code) throw statusFailure(answer, nowMs);
  const column = /No such column '([A-Za-z0-9_.]{1,100})'/.exec(text(member(error, 'message')) ?? '')?.[1];
  const retryAfterMs = retryAfterOf(answer, nowMs);
  const detail = `Salesforce says ${code}${column ? ` of the field ${column}` : ''}`;
  throw new ProviderFailure(codeOf(code, answer, nowMs), detail, {
    providerCode: code,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

function codeOf(code: string, answer: HttpResponse, nowMs: number) {
  if (code === 'REQUEST_LIMIT_EXCEEDED') return 'throttled';
  if (answer.status === 400 || answer.status === 404) return 'config-invalid';
  return statusFailure(answer, nowMs).code;
}

function tokenOf(ctx: Context): Promise<string> {
  return ctx.once(TOKEN, TOKEN_MS, () => login(ctx));
}

/** The OAuth 2.0 client credentials flow (Salesforce Help, "OAuth 2.0 Client Credentials Flow for Server-to-Server Integration"). */
async function login(ctx: Context): Promise<string> {
  const { apiBase, clientId, clientSecret } = ctx.config;
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret };
  const answer = await ctx.http.request({
    method: 'POST',
    url: `${apiBase}/services/oauth2/token`,
    body: new URLSearchParams(form),
    headers: { accept: 'application/json' },
    signal: ctx.signal,
  });
  if (answer.status === 400 || answer.status === 401) {
    const code = /^[a-z_]{1,60}$/.exec(text(member(parsed(answer), 'error')) ?? '')?.[0] ?? String(answer.status);
    const hint =
      'check `clientId`, `clientSecret`, and that the app allows the client credentials flow with a user to run as';
    throw new ProviderFailure('unauthorized', `Salesforce refuses the credentials (${code}): ${hint}`, { providerCode: code }); // prettier-ignore
  }
  const token = member(readAnswer(answer, ctx.now()), 'access_token');
  if (typeof token === 'string' && token !== '') return token;
  throw new ProviderFailure('reply-unreadable', 'the answer to the login holds no access_token');
}

function parsed(answer: HttpResponse): Json | undefined {
  try {
    return answer.json<Json>();
  } catch {
    return undefined;
  }
}
