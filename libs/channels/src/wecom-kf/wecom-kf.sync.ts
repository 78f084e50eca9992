import { ProviderFailure, type InboundEventInput } from '#normalizer';
import type { Announcement } from '../core/adapter.js';
import type { Answer } from '../wechat/api.js';
import { fieldsOf } from '../wechat/json.js';
import { newFields, type Fields } from '../wechat/fields.js';
import { api, type Context } from './wecom-kf.api.js';
import { FORBIDDEN, TOKEN_REFUSED } from './wecom-kf.errcodes.js';
import { UNREADABLE, eventsOf } from './wecom-kf.events.js';
import { greet } from './wecom-kf.greetings.js';

/** Most messages of a page, and how large a page of them may be, bytes. */
const PAGE = 1_000;
const MAX_BYTES = 33_554_432;
/** A callback's token lasts 10 minutes; one minute is left for the way. */
const TOKEN_MS = 540_000;

/**
 * Fetches what came since the cursor: without one everything of the last 3 days, which is what WeCom keeps. The token of the last callback
 * goes along while it lasts, since WeCom limits calls without one. A page may be empty and yet not the last. Throws `ProviderFailure`.
 */
export async function poll(
  cursor: string | null,
  ctx: Context,
  announced?: Announcement,
): Promise<{ events: InboundEventInput[]; cursor: string; more: boolean }> {
  const { from, page } = await readOn(cursorAt(cursor, ctx), ctx, announced);
  const { msg_list: items = [], has_more: more } = page;
  if (!Array.isArray(items)) throw new ProviderFailure('unavailable', 'the answer holds no list of messages');
  const events: InboundEventInput[] = [];
  for (const item of items.map(read)) events.push(...eventsOf(item, ctx.config), ...(await greet(item, ctx)));
  const next = typeof page['next_cursor'] === 'string' && page['next_cursor'] !== '' ? page['next_cursor'] : from;
  return { events, cursor: `${ctx.config.openKfId}:${next}`, more: Number(more) === 1 && next !== from };
}

/** A cursor is of one customer service account: another one, set since, begins anew. */
function cursorAt(cursor: string | null, { config }: Context): string {
  const mark = `${config.openKfId}:`;
  return cursor?.startsWith(mark) ? cursor.slice(mark.length) : '';
}

/** The page behind a cursor; where WeCom does not take that one any more, from the oldest that it has: what is known of it is stored once. */
function readOn(cursor: string, ctx: Context, announced?: Announcement) {
  const fetched = async (from: string) => ({ from, page: await fetchPage(from, ctx, announced) });
  return fetched(cursor)
    .catch((error: unknown) => {
      if (cursor !== '' && isRefused(error) && error.providerCode !== FORBIDDEN) return fetched('');
      throw error;
    })
    .catch((error: unknown) => {
      throw ofAccount(error);
    });
}

function isRefused(error: unknown): error is ProviderFailure {
  return error instanceof ProviderFailure && error.code === 'content-refused';
}

async function fetchPage(cursor: string, ctx: Context, announced?: Announcement): Promise<Answer> {
  const call = (token: string) => {
    const named = { ...(cursor && { cursor }), ...(token && { token }) };
    const body = { ...named, limit: PAGE, voice_format: 0, open_kfid: ctx.config.openKfId };
    return api.call({ path: '/cgi-bin/kf/sync_msg', body, maxBytes: MAX_BYTES }, ctx);
  };
  const token = announced && ctx.now() - announced.at < TOKEN_MS ? announced.said : '';
  return call(token).catch((error: unknown) => {
    if (token && error instanceof ProviderFailure && error.providerCode === TOKEN_REFUSED) return call('');
    throw error;
  });
}

/** Where nothing can be fetched, what refuses one call elsewhere (48002) refuses the account: a person must see to its settings. */
function ofAccount(error: unknown): unknown {
  if (!isRefused(error)) return error;
  const { message, providerCode } = error;
  return new ProviderFailure('config-invalid', message, { cause: error, ...(providerCode && { providerCode }) });
}

/**
 * What cannot be read makes an event without a sender, which the gateway sets aside with what came: no message holds up those behind it.
 */
function read(item: unknown): Fields {
  try {
    if (typeof item === 'object' && item !== null && !Array.isArray(item)) return fieldsOf(item);
  } catch {
    // It is nested too deep.
  }
  return Object.assign(newFields(), { [UNREADABLE]: JSON.stringify(item) });
}
