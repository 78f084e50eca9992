import type { TokenSource } from './api.js';

/** What official accounts and mini programs call WeChat with. */
export interface AppSettings {
  readonly appId: string;
  readonly appSecret: string;
  readonly apiBase: string;
}

/**
 * `/cgi-bin/stable_token` in its normal mode: repeated calls give the same token, so that no process takes another's away, as
 * `/cgi-bin/token` would. WeChat renews it 5 minutes before it ends and both work meanwhile, so what is given out lasts 5 minutes or
 * more: it is kept for 4. Allowed are 500,000 calls a day; this makes 360. Source: getStableAccessToken, developers.weixin.qq.com.
 */
export const stableToken: TokenSource<AppSettings> = {
  ttlMs: 240_000,
  request: ({ apiBase, appId, appSecret }) => ({
    method: 'POST',
    url: `${apiBase}/cgi-bin/stable_token`,
    body: { grant_type: 'client_credential', appid: appId, secret: appSecret, force_refresh: false },
  }),
};
