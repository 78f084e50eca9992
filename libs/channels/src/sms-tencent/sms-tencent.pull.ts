import type { InboundEventInput } from '#normalizer';
import { call, type Context } from './sms-tencent.call.js';
import { pulledReply, pulledReport } from './sms-tencent.parse.js';

const MOST = 100;

type Pulled = Readonly<Record<string, unknown>>;

/**
 * Pulls reports and replies in turn; the cursor says whose turn it is. Tencent Cloud gives each out once and forgets it: what was read and could not be stored
 * is lost, so each call reads one kind and is committed by itself.
 */
export async function poll(
  cursor: string | null,
  ctx: Context,
): Promise<{ events: InboundEventInput[]; cursor: string; more?: boolean }> {
  const about = { SmsSdkAppId: ctx.config.smsSdkAppId, Limit: MOST };
  if (cursor === 'replies') {
    const { PullSmsReplyStatusSet: list } = await call<{ PullSmsReplyStatusSet: Pulled[] }>(
      ctx,
      'PullSmsReplyStatus',
      about,
    );
    const items = list ?? [];
    return {
      events: items.flatMap((item) => pulledReply(item, ctx)),
      cursor: 'reports',
      ...(items.length === MOST && { more: true }),
    };
  }
  const { PullSmsSendStatusSet: list } = await call<{ PullSmsSendStatusSet: Pulled[] }>(
    ctx,
    'PullSmsSendStatus',
    about,
  );
  return { events: (list ?? []).flatMap(pulledReport), cursor: 'replies', more: true };
}
