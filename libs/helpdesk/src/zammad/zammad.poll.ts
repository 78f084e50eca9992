import type { MediaStream } from '#transport';
import type { HelpdeskAction, HelpdeskPage } from '../core/connector.js';
import {
  answered,
  isNews,
  openAt,
  statusChanged,
  sweepBegins,
  sweepFrom,
  sweepOn,
  unlessHuge,
  type Sweep,
} from '../tickets/index.js';
import { articles, changes, kindOf, me, tickets, type Article, type Context } from './zammad.api.js';

/** Tag of every ticket that the gateway made. */
export const OURS = 'tributary';

const PAGE = 100;
/** Types that Zammad itself carries to nobody. An `email` it has sent already; a `phone` note was said. */
const UNSENT = ['note', 'web', 'chat'];

/** What agents did: public articles of theirs are answers, internal ones never are. */
export async function poll(cursor: string | null, ctx: Context): Promise<HelpdeskPage> {
  const place = sweepFrom(cursor);
  if (!place) return { actions: [], cursor: sweepBegins(ctx.now()) };
  const changed = await tickets(
    ctx,
    { 'ticket.tags': ['contains all', OURS], 'ticket.updated_at': ['after (absolute)', beforeSecond(place.since)] },
    { sort_by: 'updated_at', order_by: 'asc', limit: String(PAGE), page: String(place.offset / PAGE + 1) },
  );
  const actions: HelpdeskAction[] = [];
  const told: string[] = [];
  if (changed.length > 0) {
    const { id: self } = await me(ctx);
    for (const { id, state } of changed)
      for (const news of await newsOf(String(id), { ctx, self, place, isMerged: state === 'merged' })) {
        told.push(news.id);
        actions.push(...news.actions);
      }
  }
  return { actions, ...sweepOn(place, { changed: changed.map(({ updated_at }) => updated_at), size: PAGE, told }) };
}

/** `ref` is the path of a file below its address for downloads. */
export function openFile(ref: string, ctx: Context): Promise<MediaStream> {
  const { apiBase, token } = ctx.config;
  const headers = { authorization: `Token token=${token}` };
  return openAt(ctx, { url: `${apiBase}/api/v1/ticket_attachment/${ref}`, headers });
}

interface News {
  readonly id: string;
  readonly at: string;
  readonly actions: readonly HelpdeskAction[];
}

/** What others than we did to a ticket and was not told yet, in its order. A merge takes all articles away, and leaves a public one that says `merged`. */
async function newsOf(
  ticketId: string,
  { ctx, self, place, isMerged }: { ctx: Context; self: number; place: Sweep; isMerged: boolean },
): Promise<News[]> {
  const answers = isMerged ? [] : ((await unlessHuge(articles(ctx, ticketId))) ?? []).filter(isAnswer);
  const moves = (await changes(ctx, ticketId)).filter(
    ({ object, attribute, created_by_id }) => object === 'Ticket' && attribute === 'state' && created_by_id !== self,
  );
  const news = [
    ...answers.map((one) => ({
      id: `a${one.id}`,
      at: one.created_at,
      actions: answered(answerOf(one, ticketId), ctx.config),
    })),
    ...moves.map(({ created_at: at, value_to }) => {
      const status = kindOf(value_to ?? '', ctx.config);
      const id = `s${ticketId}:${at}:${value_to}`;
      return { id, at, actions: status ? [statusChanged({ id, ticketId }, status)] : [] };
    }),
  ];
  return news.filter((one) => isNews(place, one)).sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

/** We ourselves write none: the customer's words are of the sender `Customer`, notes are internal. */
function isAnswer({ sender, type, internal }: Article): boolean {
  return sender === 'Agent' && !internal && UNSENT.includes(type);
}

function answerOf(article: Article, ticketId: string) {
  const { id, body, content_type, from, created_by_id, attachments } = article;
  const said = content_type === 'text/html' ? { html: body } : { text: body };
  return {
    ...{ id: String(id), ticketId, ...said, author: { id: String(created_by_id), name: from } },
    files: attachments.map(({ id: file, filename, preferences }) => {
      const mimeType = preferences?.['Mime-Type'] ?? preferences?.['Content-Type'];
      return {
        ref: `${ticketId}/${id}/${file}`,
        name: filename,
        ...(typeof mimeType === 'string' && { mimeType }),
      };
    }),
  };
}

/** The condition leaves the moment itself out. */
function beforeSecond(since: string): string {
  return new Date(Date.parse(since) - 1).toISOString();
}
