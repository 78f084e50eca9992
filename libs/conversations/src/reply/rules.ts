import { ProviderFailure, type FailureCode, type Part } from '#normalizer';
import type { AccountRules, Sendability } from '../ports.js';
import type { ThreadRow } from './context.js';

/** Why a thread cannot be written to now, if so; and how long and how much it still can. */
export interface Standing {
  readonly code?: FailureCode;
  readonly message?: string;
  readonly until: Date | null;
  readonly remaining: number | null;
}

/** The reply window and the opt-out of a thread, from the store: known before anything is sent. */
export function standing(thread: ThreadRow, rules: AccountRules | undefined, now: Date): Standing {
  if (!rules?.enabled)
    return {
      code: 'config-invalid',
      message: `the account ${thread.account_id} is not connected`,
      until: null,
      remaining: null,
    };
  if (rules.refusal) return { code: rules.refusal.code, message: rules.refusal.message, until: null, remaining: null };
  if (isRefused(thread, now)) return { ...refusalOf(thread), until: null, remaining: null };
  if (!rules.window) return { until: null, remaining: null };
  const windows = [ofChannel(thread, rules.window), ofEvent(thread)].filter((one) => one.until && one.until > now);
  const open = windows.filter(({ remaining }) => remaining !== 0);
  if (open.length > 0) return both(open);
  if (windows.length === 0) {
    const { until, remaining } = ofChannel(thread, rules.window);
    const closed = until ? `the reply window closed at ${until.toISOString()}` : 'the customer has not written yet';
    return { code: 'window-closed', message: closed, until, remaining };
  }
  return { code: 'window-closed', message: 'all replies to what the customer did last are used', ...both(windows) };
}

/** Why nothing goes to who is refused. */
function refusalOf({ opted_out_at: word, refused_for: why }: ThreadRow): Pick<Standing, 'code' | 'message'> {
  if (word === null && why !== null) return { code: why, message: 'the provider knows of no such recipient' };
  return { code: 'opted-out', message: 'the recipient asked not to be written to' };
}

/** For how long what a provider's block list says is believed unasked. */
const REFUSED_MS = 30 * 86_400_000;

/** Does the person not want to be written to, by their own word or, since they wrote last, by that of the provider, who may know of nobody there (SQL `is_refused`)? */
function isRefused({ opted_out_at: word, refused_at: said, last_inbound_at: wrote }: ThreadRow, now: Date): boolean {
  if (word !== null || said === null) return word !== null;
  return said.getTime() > Math.max(wrote?.getTime() ?? 0, now.getTime() - REFUSED_MS);
}

interface ReplyWindow {
  readonly until: Date | null;
  /** Provider messages that are left; null where none are counted. */
  readonly remaining: number | null;
}

/** What the customer's last message opened. */
function ofChannel(thread: ThreadRow, { hours, messages }: NonNullable<AccountRules['window']>): ReplyWindow {
  return {
    until: thread.last_inbound_at && new Date(thread.last_inbound_at.getTime() + hours * 3_600_000),
    remaining: messages === undefined ? null : Math.max(0, messages - thread.sent_since_inbound),
  };
}

/** What an event was granted, such as a tap on a menu. */
function ofEvent({ granted_until: until, granted_left: remaining }: ThreadRow): ReplyWindow {
  return { until, remaining };
}

/** Open side by side: the later end, and what is left of all. */
function both(windows: readonly ReplyWindow[]): ReplyWindow {
  return windows.reduce((a, b) => ({
    until: a.until! > b.until! ? a.until : b.until,
    remaining: a.remaining === null || b.remaining === null ? null : a.remaining + b.remaining,
  }));
}

/** Does a provider message of these parts need an open window, and use it up? Templates, which the provider has approved, do neither. */
export function needsWindow({ parts }: { readonly parts: readonly Part[] }): boolean {
  return parts.some(({ type }) => type !== 'template');
}

/** Throws the typed refusal before anything is queued. `units` is how many provider messages it takes that need the window. */
export function demandSendable(thread: ThreadRow, rules: AccountRules | undefined, units: number): void {
  const state = standing(thread, rules, new Date());
  if (units === 0 && state.code === 'window-closed') return;
  if (state.code) throw new ProviderFailure(state.code, state.message ?? state.code);
  if (state.remaining !== null && units > state.remaining) {
    throw new ProviderFailure(
      'window-closed',
      `it takes ${units} provider messages, and ${state.remaining} are left in the reply window`,
    );
  }
}

export function toSendability(thread: ThreadRow, rules: AccountRules | undefined): Sendability {
  const { code, until, remaining } = standing(thread, rules, new Date());
  return {
    threadId: thread.id,
    accountId: thread.account_id,
    channel: rules?.type ?? 'unknown',
    canSend: code === undefined,
    ...(code && { code }),
    until: until?.toISOString() ?? null,
    remaining,
    parts: rules?.parts ?? [],
    limits: rules?.limits ?? {},
  };
}
