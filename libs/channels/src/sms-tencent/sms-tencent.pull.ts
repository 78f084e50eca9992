import type { InboundEventInput } from '#normalizer';
import { call, type Context } from './sms-tencent.call.js';
import { pulledReply, pulledReport } from './sms-tencent.parse.js';

const MOST = 100;
/** How long a page is kept for whoever is to store it. */
const KEPT_MS = 7 * 86_400_000;

type Pulled = Readonly<Record<string, unknown>>;

const ACTIONS = {
  reports: ['PullSmsSendStatus', 'PullSmsSendStatusSet'],
  replies: ['PullSmsReplyStatus', 'PullSmsReplyStatusSet'],
} as const;

/** What is pulled next, the number of its page, and whether more of the other kind waits. */
interface Turn {
  readonly kind: keyof typeof ACTIONS;
  readonly page: number;
  readonly more: boolean;
}

/** There is nothing, so nothing is kept. */
class Nothing extends Error {}

/**
 * Pulls reports (https://cloud.tencent.com/document/product/382/55977) and replies (https://cloud.tencent.com/document/product/382/55976) in turn. Tencent Cloud
 * gives each out once and forgets it. So a page is kept, sealed, under its number before anything is made of it: until the cursor of the next page is committed
 * together with its events, whoever pulls gets the same page, also another process. Only an answer that was under way when a process died is lost.
 */
export async function poll(
  cursor: string | null,
  ctx: Context,
): Promise<{ events: InboundEventInput[]; cursor: string; more?: boolean }> {
  const turn = turnOf(cursor);
  const { kind, page } = turn;
  if (page > 0) await Promise.all((['reports', 'replies'] as const).map((one) => drop(nameOf(one, page - 1), ctx)));
  const items = await pageOf(turn, ctx);
  const events = items.flatMap((item) => (kind === 'reports' ? pulledReport(item) : pulledReply(item, ctx)));
  const full = items.length === MOST;
  const next = `${kind === 'reports' ? 'replies' : 'reports'} ${items.length > 0 ? page + 1 : page}${full ? ' more' : ''}`;
  const more = kind === 'reports' || full || turn.more;
  return { events, cursor: next, ...(more && { more }) };
}

function turnOf(cursor: string | null): Turn {
  const [kind, page, more] = (cursor ?? '').split(' ');
  return { kind: kind === 'replies' ? kind : 'reports', page: Number(page ?? 0) || 0, more: more !== undefined };
}

/** What stands under the name of the page, else what the provider gives out now. */
async function pageOf({ kind, page }: Turn, ctx: Context): Promise<readonly Pulled[]> {
  const [action, set] = ACTIONS[kind];
  try {
    const kept = await ctx.once(nameOf(kind, page), KEPT_MS, async () => {
      const about = { SmsSdkAppId: ctx.config.smsSdkAppId, Limit: MOST };
      const { [set]: list } = await call<Record<typeof set, Pulled[]>>(ctx, action, about);
      if (!Array.isArray(list) || list.length === 0) throw new Nothing();
      return JSON.stringify(list);
    });
    return JSON.parse(kept) as Pulled[];
  } catch (error) {
    if (error instanceof Nothing) return [];
    throw error;
  }
}

/** A page that is stored is kept no longer, whichever process kept it. */
async function drop(name: string, ctx: Context): Promise<void> {
  await ctx.forget(name);
  if ((await ctx.recall(name)) !== undefined) await ctx.remember(name, '', 1);
}

function nameOf(kind: Turn['kind'], page: number): string {
  return `pulled ${kind} ${page}`;
}
