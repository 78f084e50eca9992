import { ProviderFailure } from '#normalizer';
import type { MediaStream } from '#transport';
import type { HelpdeskAction, HelpdeskPage } from '../core/connector.js';
import {
  answered,
  conversationOf,
  isNews,
  openLinked,
  statusChanged,
  sweepBegins,
  sweepFrom,
  sweepOn,
  type Sweep,
} from '../tickets/index.js';
import {
  agentOf,
  conversations,
  credentials,
  fieldOf,
  PAGE,
  ticket,
  tickets,
  type Context,
  type Conversation,
  type FreshdeskTicket,
} from './freshdesk.api.js';
import { movedByOthers } from './freshdesk.state.js';

/** A ticket that was left alone for so long has nothing more to tell of its last change. */
const SETTLED_MS = 20_000;
const [REPLY, NOTE] = [0, 2];

/** What agents did, by the tickets that changed: replies and public notes are answers, private ones never are, nor what is forwarded to others. */
export async function poll(cursor: string | null, ctx: Context): Promise<HelpdeskPage> {
  const place = sweepFrom(cursor);
  if (!place) return { actions: [], cursor: sweepBegins(ctx.now()) };
  const changed = await tickets(ctx, {
    ...{ updated_since: place.since, order_by: 'updated_at', order_type: 'asc' },
    page: String(place.offset / PAGE + 1),
  });
  const [actions, told]: [HelpdeskAction[], string[]] = [[], []];
  const agents: Agents = new Map();
  for (const one of changed) {
    const id = `t${one.id}@${one.updated_at}`;
    if (place.told.includes(id) || conversationOf(fieldOf(one, ctx.config.referenceField) ?? '') === null) continue;
    for (const news of await newsOf(String(one.id), place, { ctx, agents })) {
      told.push(news.id);
      actions.push(...news.actions);
    }
    if (ctx.now() - Date.parse(one.updated_at) > SETTLED_MS) told.push(id);
  }
  return { actions, ...sweepOn(place, { changed: changed.map(({ updated_at }) => updated_at), size: PAGE, told }) };
}

/** `ref` names ticket, entry and file: addresses of files are good for a while only. */
export async function openFile(ref: string, ctx: Context): Promise<MediaStream> {
  const [ticketId = '', entry, file] = ref.split('/');
  const isIt = ({ id }: Conversation) => String(id) === entry;
  const found = (await conversations(ctx, ticketId, (read) => read.some(isIt)))?.find(isIt);
  const url = found?.attachments.find(({ id }) => String(id) === file)?.attachment_url;
  if (!url) throw new ProviderFailure('recipient-gone', 'Freshdesk no longer has the file');
  return openLinked(ctx, url, { apiBase: ctx.config.apiBase, headers: credentials(ctx.config) });
}

/** Who wrote, as far as they were looked up; null: no agent. */
type Agents = Map<number, Awaited<ReturnType<typeof agentOf>>>;

interface News {
  readonly id: string;
  readonly at: string;
  readonly actions: readonly HelpdeskAction[];
}

/** What agents did to a ticket and was not told yet, in its order. */
async function newsOf(
  ticketId: string,
  place: Sweep,
  { ctx, agents }: { ctx: Context; agents: Agents },
): Promise<News[]> {
  const found = await ticket(ctx, ticketId);
  if (!found) return [];
  const done = { ticketId, externalId: fieldOf(found, ctx.config.referenceField) };
  const news: News[] = [];
  for (const one of (await conversations(ctx, ticketId)) ?? []) {
    const [id, at] = [`c${one.id}`, one.created_at];
    if (!isAnswer(one) || !isNews(place, { id, at })) continue;
    if (!agents.has(one.user_id)) agents.set(one.user_id, await agentOf(ctx, one.user_id));
    const agent = agents.get(one.user_id);
    if (!agent) continue;
    const answer = { ...done, ...answerOf(one, ticketId), author: { id: String(one.user_id), name: agent.name } };
    news.push({ id, at, actions: answered(answer, ctx.config) });
  }
  const moved = moveOf(found, place, ctx);
  if (moved) news.push({ ...moved, actions: [statusChanged({ ...done, id: moved.id.slice(1) }, moved.status)] });
  return news.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

function moveOf(found: FreshdeskTicket, place: Sweep, ctx: Context) {
  const last = place.told.findLast((id) => id.startsWith(`s${found.id}/`)) ?? null;
  const moved = movedByOthers(found, ctx, last?.split('/')[1] ?? null);
  const id = `s${found.id}/${moved?.at}/${moved?.status}`;
  return moved && isNews(place, { id, at: moved.at }) ? { ...moved, id } : null;
}

function isAnswer({ private: isPrivate, incoming, source }: Conversation): boolean {
  return !isPrivate && !incoming && (source === REPLY || source === NOTE);
}

function answerOf({ id, body, attachments }: Conversation, ticketId: string) {
  return {
    ...{ id: String(id), html: body },
    files: attachments.map(({ id: file, name, content_type: mimeType }) => ({
      ref: `${ticketId}/${id}/${file}`,
      name,
      ...(mimeType && { mimeType }),
    })),
  };
}
