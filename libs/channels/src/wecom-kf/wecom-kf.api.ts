import { ProviderFailure } from '#normalizer';
import type { Health } from '#transport';
import type { AdapterContext } from '../core/adapter.js';
import { ApiClient, type TokenSource } from '../wechat/api.js';
import type { WecomKfConfig } from './wecom-kf.config.js';
import { wecomErrcodes } from './wecom-kf.errcodes.js';

export type Context = AdapterContext<WecomKfConfig>;

/**
 * `/cgi-bin/gettoken` gives the same token for 2 hours, however often it is called, and a new one when that has ended. What is kept for
 * 4 minutes may end meanwhile: a call that hears so (42001) fetches another. Source: path/91039, developer.work.weixin.qq.com.
 */
const gettoken: TokenSource<WecomKfConfig> = {
  ttlMs: 240_000,
  request: ({ apiBase, corpId, secret }) => ({
    method: 'GET',
    url: `${apiBase}/cgi-bin/gettoken`,
    query: { corpid: corpId, corpsecret: secret },
  }),
};

/** The API of WeCom, as one app calls it. */
export const api = new ApiClient(gettoken, wecomErrcodes);

const PAGE = 100;
const MOST_PAGES = 50;

/** Are corp id and secret right, and may the app use the customer service account? */
export async function check(ctx: Context): Promise<Health> {
  const health = await api.check(ctx);
  if (!health.ok) return health;
  try {
    if (await isListed(ctx)) return health;
    const detail = `The app may not use the customer service account ${ctx.config.openKfId}, or there is none of this open_kfid.`;
    return { ok: false, detail };
  } catch (error) {
    const why = error instanceof ProviderFailure ? error.message : 'unknown error';
    return { ok: false, detail: `The customer service accounts cannot be listed: ${why}.` };
  }
}

async function isListed(ctx: Context): Promise<boolean> {
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const body = { offset: page * PAGE, limit: PAGE };
    const { account_list: accounts } = await api.call({ path: '/cgi-bin/kf/account/list', body }, ctx);
    const listed = Array.isArray(accounts) ? (accounts as { open_kfid?: unknown }[]) : [];
    if (listed.some((account) => account?.open_kfid === ctx.config.openKfId)) return true;
    if (listed.length < PAGE) return false;
  }
  return false;
}
