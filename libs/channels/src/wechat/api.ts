import { ProviderFailure } from '#normalizer';
import { statusFailure, type Health, type HttpRequest, type HttpResponse } from '#transport';
import type { AdapterContext } from '../core/adapter.js';
import type { Errcodes } from './errcodes.js';
import { parseJson } from './json.js';

/** One call. `handsOver`: it gives a message to the provider, so that a lost answer leaves its outcome unknown. */
export interface ApiCall {
  /** E.g. `/cgi-bin/message/custom/send`. */
  readonly path: string;
  readonly method?: 'GET' | 'POST';
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON, or as the form that it is. */
  readonly body?: object | FormData;
  readonly handsOver?: boolean;
  /** Largest answer, bytes. Default 1 MiB. */
  readonly maxBytes?: number;
}

/** An answer: JSON, integers of 16 digits and more as texts. */
export type Answer = Readonly<Record<string, unknown>>;

/** How access tokens are come by. */
export interface TokenSource<C> {
  /** How long one is kept, milliseconds: any that is given out must last longer than this. */
  readonly ttlMs: number;
  request(config: C): HttpRequest;
}

const TOKEN = 'access-token';

/**
 * The client of one family of APIs: access token in the query, errcodes in the answer. It keeps nothing itself; the token of an account
 * is shared by all processes (`ctx.once`).
 */
export class ApiClient<C extends { readonly apiBase: string }> {
  constructor(
    private readonly tokens: TokenSource<C>,
    private readonly errcodes: Errcodes,
  ) {}

  /**
   * Calls with the shared access token. Where the provider says that it ran out, a new one is fetched and the call is made once more:
   * what is refused for its token was not taken. Throws `ProviderFailure`, which a 200 with an errcode is too.
   */
  async call(call: ApiCall, ctx: AdapterContext<C>): Promise<Answer> {
    const attempt = (token: string) =>
      call.handsOver ? this.once(call, token, ctx) : harmless(() => this.once(call, token, ctx));
    return this.withToken(ctx, async (token) => {
      const answer = await attempt(token);
      if (call.handsOver && !('errcode' in answer)) throw unreadable();
      return { errcode: errcodeOf(answer), value: answer };
    });
  }

  /** Runs `work` with the token, and once more with a new one where its errcode says that the token ran out. Throws other errcodes. */
  async withToken<T>(
    ctx: AdapterContext<C>,
    work: (token: string) => Promise<{ readonly errcode: number; readonly value: T }>,
  ): Promise<T> {
    const used = await this.token(ctx);
    let done = await work(used);
    if (this.errcodes.expired.has(done.errcode)) {
      if ((await this.token(ctx)) === used) await ctx.forget(TOKEN);
      done = await work(await this.token(ctx));
    }
    if (done.errcode !== 0) throw this.errcodes.failure(done.errcode);
    return done.value;
  }

  /** Asks for a token, past the shared one: are id and secret right? */
  async check(ctx: AdapterContext<C>): Promise<Health> {
    try {
      await this.fetchToken(ctx);
      return { ok: true, detail: 'The id and the secret are right, and calls from this address are allowed.' };
    } catch (error) {
      const why = error instanceof ProviderFailure ? error.message : 'unknown error';
      return { ok: false, detail: `No access token could be fetched: ${why}.` };
    }
  }

  private token(ctx: AdapterContext<C>): Promise<string> {
    return ctx.once(TOKEN, this.tokens.ttlMs, () => this.fetchToken(ctx));
  }

  private async fetchToken(ctx: AdapterContext<C>): Promise<string> {
    const request = { ...this.tokens.request(ctx.config), signal: ctx.signal };
    const answer = await harmless(async () => readAnswer(await ctx.http.request(request), ctx.now()));
    const errcode = errcodeOf(answer);
    if (errcode !== 0) throw this.errcodes.failure(errcode);
    const { access_token: token } = answer;
    if (typeof token === 'string' && token !== '' && token.length <= 2_048) return token;
    throw new ProviderFailure('unavailable', 'the answer holds no access token');
  }

  private async once(call: ApiCall, token: string, ctx: AdapterContext<C>): Promise<Answer> {
    const { path, method = 'POST', query, body, maxBytes } = call;
    const json = body !== undefined && !(body instanceof FormData);
    const answer = await ctx.http.request({
      method,
      url: `${ctx.config.apiBase}${path}`,
      query: { access_token: token, ...query },
      ...(json && { headers: { 'content-type': 'application/json; charset=utf-8' } }),
      ...(body !== undefined && { body: json ? jsonText(body) : body }),
      ...(maxBytes !== undefined && { maxBytes }),
      signal: ctx.signal,
    });
    return readAnswer(answer, ctx.now());
  }
}

/** 0 where the answer is a success; NaN where its errcode is no number: nobody knows what became of the call. */
export function errcodeOf({ errcode = 0 }: Answer): number {
  if (typeof errcode === 'number') return errcode;
  return typeof errcode === 'string' && /^-?\d{1,9}$/.test(errcode) ? Number(errcode) : NaN;
}

function readAnswer(answer: HttpResponse, now: number): Answer {
  if (answer.status < 200 || answer.status > 299) throw statusFailure(answer, now);
  return readApiJson(answer.text());
}

/** Reads what an API answered. Throws `reply-unreadable`. */
export function readApiJson(text: string): Answer {
  const read = attempted(() => parseJson(text));
  const object = typeof read === 'object' && read !== null && !Array.isArray(read);
  if (object && Number.isInteger(errcodeOf(read as Answer))) return read as Answer;
  throw unreadable();
}

function unreadable(): ProviderFailure {
  return new ProviderFailure('reply-unreadable', 'the answer is no JSON of the documented form');
}

function attempted(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Of a call that hands nothing over, a lost or unreadable answer leaves no outcome unknown: it can be made again. */
export async function harmless<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const lost =
      error instanceof ProviderFailure && (error.code === 'outcome-unknown' || error.code === 'reply-unreadable');
    throw lost ? new ProviderFailure('unavailable', error.message, { cause: error }) : error;
  }
}

const CONTROL = /[\u0000-\u0007\u000B\u000E-\u001F]/g;

/**
 * JSON without `\u` escapes, which WeChat refuses (40033): text stays UTF-8, and control characters, which JSON can only write escaped,
 * are left out but for tab, line feed and carriage return.
 */
function jsonText(body: object): string {
  return JSON.stringify(body, (_name, value: unknown) =>
    typeof value === 'string' ? value.toWellFormed().replace(CONTROL, '') : value,
  );
}
