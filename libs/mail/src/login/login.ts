import { createHash } from 'node:crypto';
import { ProviderFailure } from '#normalizer';
import type { MailContext } from '../context.js';
import type { Mailbox } from '../settings.js';
import { fetchTokens } from './oauth.js';

/** What one of the two servers is logged in to with. */
export type Login =
  { readonly user: string; readonly pass: string } | { readonly user: string; readonly accessToken: string };

type Context = Omit<MailContext, 'dial' | 'signal'>;
type OAuth = NonNullable<Mailbox['oauth']>;

const TOKEN = 'email:access-token';
const REFRESH_TOKEN = 'email:refresh-token';
/** Google's tokens are good for 60 minutes, Microsoft's for 60 to 90. */
const TOKEN_TTL_MS = 45 * 60_000;
/** Microsoft's refresh tokens are good for 90 days, and each use gives a new one. */
const REFRESH_TTL_MS = 89 * 86_400_000;

/**
 * Logs in by `use`: with the password, or with an access token that all processes share. Where the token is refused (`unauthorized`), it is
 * fetched anew and tried once more. Throws what `use` throws, and `ProviderFailure` where there is no token.
 */
export async function withLogin<T>(
  protocol: 'imap' | 'smtp',
  ctx: Context,
  use: (login: Login) => Promise<T>,
): Promise<T> {
  const { address, oauth, password, [protocol]: server } = ctx.config;
  const user = server.user ?? address;
  if (!oauth) return use({ user, pass: server.password ?? password ?? '' });
  const token = () => ctx.once(TOKEN, TOKEN_TTL_MS, () => fresh(oauth, ctx));
  const accessToken = await token();
  try {
    return await use({ user, accessToken });
  } catch (error) {
    if (!(error instanceof ProviderFailure) || error.code !== 'unauthorized') throw error;
    // Another process may have fetched a new one meanwhile: that one is not forgotten.
    if ((await token()) === accessToken) await ctx.forget(TOKEN);
    return use({ user, accessToken: await token() });
  }
}

/** A fresh access token, by the newest refresh token there is. */
async function fresh(oauth: OAuth, ctx: Context): Promise<string> {
  const asked = { oauth, user: ctx.config.address };
  const given = oauth.refreshToken ?? '';
  const newest = oauth.grant === 'refresh-token' ? await renewed(given, ctx) : undefined;
  const fetch = (refreshToken: string) => fetchTokens({ ...asked, refreshToken }, ctx);
  const { access, refresh } = await (newest === undefined
    ? fetch(given)
    : fetch(newest).catch((error: unknown) => {
        if (!(error instanceof ProviderFailure) || error.code !== 'unauthorized') throw error;
        return fetch(given);
      }));
  if (refresh !== undefined && refresh !== given)
    await ctx.remember(REFRESH_TOKEN, JSON.stringify([fingerprint(given), refresh]), REFRESH_TTL_MS);
  return access;
}

/** The refresh token that came in place of `given`; undefined where none did, or where the setting was changed since. */
async function renewed(given: string, ctx: Context): Promise<string | undefined> {
  const [of, refresh] = JSON.parse((await ctx.recall(REFRESH_TOKEN)) ?? '[]') as string[];
  return of === fingerprint(given) ? refresh : undefined;
}

function fingerprint(token: string): string {
  return createHash('sha256').update(token).digest('base64url').slice(0, 16);
}
