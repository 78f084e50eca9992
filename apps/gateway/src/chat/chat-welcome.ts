import type { Prechat, ServerFrame } from '#channels';
import type { ChatAccount } from './chat-account.js';
import type { Session, Sessions } from './chat-session.js';
import type { ChatSocket } from './chat-socket.js';
import type { ChatStore, ThreadState } from './chat-store.js';

/** Browsers wait at random before they come back: so long that about a thousand do so in a second, and ten thousand make no stampede. */
const RECONNECT = { minMs: 200, leastMs: 800, mostMs: 10_000 };
const PAGE = 100;
const LIFETIME_S = 180 * 86_400;

interface Greeting {
  readonly session: Session;
  readonly state: ThreadState | undefined;
  readonly fresh: boolean;
  readonly account: ChatAccount;
  readonly prechat: Prechat | undefined;
}

/** The frame that greets a session, with the session anew, and when that ends (seconds). */
export async function welcome(
  { sessions, maxFileBytes, crowd }: { sessions: Sessions; maxFileBytes: number; crowd?: () => number },
  { session, state, fresh, account, prechat }: Greeting,
): Promise<{ frame: ServerFrame; expires: number }> {
  const { maxTextLength, maxFileBytes: fileBytes, mimeTypes, title, greeting } = account.config;
  const { person } = session;
  const frame: ServerFrame = {
    type: 'welcome',
    session: await sessions.issue(session),
    threadId: state?.id ?? null,
    fresh,
    user: person ? { id: person.sub, name: person.name ?? null } : null,
    last: state?.sequence ?? 0,
    unread: state?.unread ?? 0,
    readUpTo: state?.readTo ?? 0,
    reconnect: reconnect(crowd?.() ?? 0),
    limits: { text: maxTextLength, fileBytes: Math.min(fileBytes, maxFileBytes), mimeTypes: [...mimeTypes] },
    ...(title && { title }),
    ...(greeting && { greeting }),
    ...(prechat && { prechat }),
  };
  return { frame, expires: Math.floor(Date.now() / 1_000) + LIFETIME_S };
}

function reconnect(crowd: number): { minMs: number; maxMs: number } {
  const { minMs, leastMs, mostMs } = RECONNECT;
  return { minMs, maxMs: Math.min(mostMs, Math.max(leastMs, crowd)) };
}

/** Sends what is stored after a place, as fast as the browser takes it. Returns the place that it has reached. */
export async function resume(
  store: ChatStore,
  socket: ChatSocket,
  { state, after }: { state: ThreadState | undefined; after: number },
): Promise<number> {
  let at = Math.min(after, state?.sequence ?? 0);
  while (state && at < state.sequence) {
    const page = await store.messages(state, at, PAGE);
    for (const message of page) {
      if (!(await socket.sendPaced(message))) return at;
      at = message.seq;
    }
    if (page.length < PAGE) break;
  }
  return at;
}
