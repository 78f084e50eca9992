import { changeConversation, getConversation, listConversations, listMessages, Replies } from '#conversations';
import { Conversation, Message, type Message as MessageView } from '#normalizer';
import { Controller, Inject } from '@nestjs/common';
import { z } from 'zod';
import { Called, endpoint, type Call } from '../core/endpoint.js';
import { fromCursor, pageOf, toCursor, toPage } from '../core/page.js';
import { maySee } from '../core/scopes.js';
import { Serves } from '../core/serves.js';
import { byId } from '../schemas/elements.js';
import {
  ConversationPatch,
  ConversationQuery,
  HistoryQuery,
  Sendability,
  SendabilityQuery,
} from '../schemas/conversation.js';
import { Presenter } from '../presenter.js';

const tag = 'Conversations';
const read = 'conversations:read' as const;

const list = endpoint({
  method: 'GET',
  path: '/v1/conversations',
  scope: read,
  tag,
  summary: 'List and filter conversations, the newest first',
  description:
    'To follow changes without a gap, read `/v1/events`: a conversation that changes while you page moves to the front.',
  query: ConversationQuery,
  status: 200,
  answer: pageOf(Conversation),
});
const get = endpoint({
  method: 'GET',
  path: '/v1/conversations/{id}',
  scope: read,
  tag,
  summary: 'Get a conversation',
  params: byId,
  status: 200,
  answer: Conversation,
});
const patch = endpoint({
  method: 'PATCH',
  path: '/v1/conversations/{id}',
  scope: 'conversations:write',
  tag,
  summary: 'Change status, priority, queue, tags, metadata or references',
  description:
    'Raises `conversation.updated` with the names of what changed, `conversation.closed` or `conversation.reopened`. What is left out stays. Priority, queue and tags that were set here are left alone by routing rules.',
  params: byId,
  body: ConversationPatch,
  status: 200,
  answer: Conversation,
  examples: { body: { status: 'closed', tags: ['refund'], metadata: { orderId: '4711' } } },
});
const history = endpoint({
  method: 'GET',
  path: '/v1/conversations/{id}/messages',
  scope: read,
  tag,
  summary: 'Read the history, ascending',
  params: byId,
  query: HistoryQuery,
  status: 200,
  answer: pageOf(Message),
});
const sendability = endpoint({
  method: 'GET',
  path: '/v1/conversations/{id}/sendability',
  scope: read,
  tag,
  summary: 'Where an answer can go now, and what it may hold',
  params: byId,
  query: SendabilityQuery,
  status: 200,
  answer: z.object({ items: z.array(Sendability) }),
});

const ListPlace = z.tuple([z.string().max(200)]);
const HistoryPlace = z.tuple([z.enum(['after', 'before']), z.int().nonnegative()]);

@Controller()
export class ConversationsController {
  constructor(
    @Inject(Replies) private readonly replies: Replies,
    @Inject(Presenter) private readonly present: Presenter,
  ) {}

  @Serves(list)
  async list(@Called() { sql, query, caller }: Call<typeof list>) {
    const { cursor, limit, ...filter } = query;
    const after = fromCursor(cursor, ListPlace);
    const rows = await listConversations(sql, { filter, after, limit: limit + 1, accounts: caller.accounts });
    return toPage(rows, limit, { place: (row) => row.place, show: (row) => row.view });
  }

  @Serves(get)
  get(@Called() { sql, params, caller }: Call<typeof get>) {
    return getConversation(sql, params.id, caller.accounts);
  }

  @Serves(patch)
  async patch(@Called() { sql, params, body, caller, hint }: Call<typeof patch>) {
    const conversation = await changeConversation(sql, params.id, { change: body, accounts: caller.accounts });
    hint('outbox', 'events');
    return conversation;
  }

  @Serves(history)
  async history(@Called() { sql, params, query, caller }: Call<typeof history>) {
    await getConversation(sql, params.id, caller.accounts);
    const { after, before, limit } = { ...query, ...placeOf(query.cursor) };
    const rows = await listMessages(sql, params.id, { after, before, limit, accounts: caller.accounts });
    const backwards = after === undefined && before !== undefined;
    return historyPage(rows, limit, { backwards, show: (message) => this.present.message(message) });
  }

  @Serves(sendability)
  async sendability(@Called() { sql, params, query, caller }: Call<typeof sendability>) {
    await getConversation(sql, params.id, caller.accounts);
    const items = await this.replies.sendability(sql, params.id, query.text);
    return { items: items.filter((item) => maySee(caller, item.accountId)) };
  }
}

function placeOf(cursor: string | undefined): { after?: number; before?: number } {
  const place = fromCursor(cursor, HistoryPlace);
  return place ? { [place[0]]: place[1] } : {};
}

/** Rows come in reading direction, one beyond the limit; the page is ascending either way. */
function historyPage(
  rows: readonly MessageView[],
  limit: number,
  how: { backwards: boolean; show: (message: MessageView) => MessageView },
) {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const next = rows.length > limit && last ? toCursor([how.backwards ? 'before' : 'after', last.sequence]) : null;
  return { items: (how.backwards ? shown.reverse() : shown).map(how.show), next };
}
