import { ProviderFailure } from '#normalizer';
import type { AdapterContext } from '../../core/adapter.js';
import type { EmailConfig } from '../email.config.js';
import { fetchTokens } from './oauth.js';

/** What one of the two servers is logged in to with. */
export type Login =
  | { readonly user: string; readonly pass: string }
  | { readonly user: string; readonly accessToken: string };

type Context = Pick<AdapterContext<EmailConfig>, 'config' | 'once' | 'forget' | 'http' | 'now'>;

const TOKEN = 'email:access-token';
/** Google's tokens are good for 60 minutes, Microsoft's for 60 to 90. */
const TOKEN_TTL_MS = 45 * 60_000;

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
  const token = () =>
    ctx.once(TOKEN, TOKEN_TTL_MS, async () => {
      const { access } = await fetchTokens({ oauth, user: address, refreshToken: oauth.refreshToken ?? '' }, ctx);
      return access;
    });
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
