import { ProviderFailure, type Part } from '#normalizer';
import { api, type Context } from './wecom-kf.api.js';
import { WRONG_STATE } from './wecom-kf.errcodes.js';
import { sendOnEvent } from './wecom-kf.greetings.js';

type Template = Extract<Part, { type: 'template' }>;

/** Templates that change who has the session, and the `service_state` that they bring about. Source: path/94669, developer.work.weixin.qq.com. */
const CHANGES: Readonly<Record<string, number>> = {
  'session:assistant': 1,
  'session:pool': 2,
  'session:servicer': 3,
  'session:end': 4,
};

/** In words, by `service_state`. */
const STATES: Readonly<Record<number, string>> = {
  2: 'the session waits for an agent in WeCom',
  3: 'an agent in WeCom has the session',
  4: 'the session has ended; it begins anew when the customer writes',
};

/** Is it a change of the session? Throws `content-refused` where it is one that WeCom does not know: there are no other templates. */
export function changeOf({ name, values }: Template): { state: number; servicer?: string; text?: string } {
  const state = Object.hasOwn(CHANGES, name) ? CHANGES[name] : undefined;
  if (state === undefined) throw refused(`there is no template ${name}, but: ${Object.keys(CHANGES).join(', ')}`);
  const { servicer, text } = values;
  if ((state === 3) !== Boolean(servicer)) throw refused('session:servicer names a servicer, and no other one does');
  return { state, ...(servicer && { servicer }), ...(text && { text }) };
}

/**
 * Gives a session to an agent in WeCom, to the pool of those who wait, back to the API, or ends it; `text` is said to the customer where
 * WeCom gives a code for it (the first agent, the first time in the pool, the end) and takes it. The session has changed by then, and
 * cannot change so again (95016): what becomes of the text fails nothing. Throws `ProviderFailure` where the session does not change.
 */
export async function changeSession(
  template: Template,
  { customer, msgid }: { readonly customer: string; readonly msgid: string },
  ctx: Context,
): Promise<void> {
  const { state, servicer, text } = changeOf(template);
  const named = { open_kfid: ctx.config.openKfId, external_userid: customer };
  const body = { ...named, service_state: state, ...(servicer && { servicer_userid: servicer }) };
  const { msg_code: code } = await api.call({ path: '/cgi-bin/kf/service_state/trans', body, handsOver: true }, ctx);
  if (!text || typeof code !== 'string' || code === '') return;
  await sendOnEvent({ code, msgid, greeting: { text, options: [] } }, ctx).catch((error: unknown) => {
    if (!(error instanceof ProviderFailure)) throw error;
  });
}

/** Why WeCom did not let the API send: who has the session, where it tells. Any other error stays what it is. */
export async function explained(error: unknown, customer: string, ctx: Context): Promise<unknown> {
  if (!(error instanceof ProviderFailure) || error.providerCode !== WRONG_STATE) return error;
  const body = { open_kfid: ctx.config.openKfId, external_userid: customer };
  const { service_state: state } = await api
    .call({ path: '/cgi-bin/kf/service_state/get', body }, ctx)
    .catch(() => ({ service_state: undefined }));
  const words = STATES[Number(state)];
  if (!words) return error;
  return new ProviderFailure(error.code, `${words} (errcode ${WRONG_STATE})`, { providerCode: WRONG_STATE });
}

function refused(message: string): ProviderFailure {
  return new ProviderFailure('content-refused', message);
}
