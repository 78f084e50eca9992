import { getConversation, getMessage, listTrace, Replies, type VisibleAccounts } from '#conversations';
import type { Sql } from '#database';
import { FirstMessageInput, InvalidInput, Message, ReplyInput, type Message as MessageView } from '#normalizer';
import { Controller, Inject } from '@nestjs/common';
import { z } from 'zod';
import { Called, endpoint, type Call } from '../core/endpoint.js';
import { fromCursor, pageOf, paging, toPage } from '../core/page.js';
import { Serves } from '../core/serves.js';
import { Presenter } from '../presenter.js';
import { Reach } from '../reach.js';
import { byId } from '../schemas/elements.js';
import { TraceItem } from '../schemas/conversation.js';

const tag = 'Messages';
const write = 'conversations:write' as const;
const refusals = [
  'window-closed',
  'opted-out',
  'recipient-gone',
  'config-invalid',
  'content-refused',
  'no-thread',
] as const;

const reply = endpoint({
  method: 'POST',
  path: '/v1/conversations/{id}/messages',
  scope: write,
  tag,
  summary: 'Answer in a conversation',
  description:
    'Without `via` the answer goes to the thread that the customer used last. `fallback` names other ways, taken when sending fails for good or nothing was delivered ' +
    'in time; `sendAt` waits. What can be known before queueing (a closed window, content that the channel refuses) is refused at once, and nothing is stored.',
  params: byId,
  body: ReplyInput,
  status: 202,
  answer: Message,
  problems: refusals,
  examples: { body: { text: '您好，请问报表的格式是什么？', author: { id: 'a-7', name: 'Lin' } } },
});
const writeFirst = endpoint({
  method: 'POST',
  path: '/v1/messages',
  scope: write,
  tag,
  summary: 'Write first',
  description: 'To a contact or a handle, on the account named. Opens a conversation where there is none.',
  body: FirstMessageInput,
  status: 202,
  answer: Message,
  problems: refusals,
  examples: {
    body: {
      to: { handle: { scheme: 'phone', value: '+8613800138000' } },
      accountId: 'sms',
      text: 'Your order has shipped.',
    },
  },
});
const get = endpoint({
  method: 'GET',
  path: '/v1/messages/{id}',
  scope: 'conversations:read',
  tag,
  summary: 'Get a message',
  params: byId,
  status: 200,
  answer: Message,
});
const cancel = endpoint({
  method: 'DELETE',
  path: '/v1/messages/{id}',
  scope: write,
  tag,
  summary: 'Cancel a message that is not yet sent',
  description: 'It becomes `failed` with the failure `cancelled`.',
  params: byId,
  status: 204,
  problems: ['already-sent'],
});
const trace = endpoint({
  method: 'GET',
  path: '/v1/messages/{id}/trace',
  scope: 'conversations:read',
  tag,
  summary: "A message's traffic with the provider and the ticket systems",
  description:
    'Without secrets and message bodies; kept as long as the setting `retention.traces` says. Keys limited to accounts do not see deliveries to ticket systems.',
  params: byId,
  query: z.strictObject(paging),
  status: 200,
  answer: pageOf(TraceItem),
});

@Controller()
export class MessagesController {
  constructor(
    @Inject(Replies) private readonly replies: Replies,
    @Inject(Presenter) private readonly present: Presenter,
    @Inject(Reach) private readonly reach: Reach,
  ) {}

  @Serves(reply)
  async reply(@Called() call: Call<typeof reply>) {
    const { sql, params, body, caller } = call;
    const looksFirst = caller.accounts !== null || body.replyTo !== undefined;
    if (looksFirst) await getConversation(sql, params.id, caller.accounts);
    await this.reach.demand(sql, caller, body);
    if (body.replyTo !== undefined)
      await demandQuoted(sql, { conversationId: params.id, messageId: body.replyTo, accounts: caller.accounts });
    return this.queued(call, await this.replies.reply(sql, params.id, body));
  }

  @Serves(writeFirst)
  async writeFirst(@Called() call: Call<typeof writeFirst>) {
    const { sql, body, caller } = call;
    await this.reach.demand(sql, caller, body);
    return this.queued(call, await this.replies.writeFirst(sql, body));
  }

  @Serves(get)
  async get(@Called() { sql, params, caller }: Call<typeof get>) {
    const { accountId: _, ...message } = await getMessage(sql, params.id, caller.accounts);
    return this.present.message(message);
  }

  @Serves(cancel)
  async cancel(@Called() call: Call<typeof cancel>) {
    const { sql, params, caller } = call;
    await getMessage(sql, params.id, caller.accounts);
    await this.queued(call, await this.replies.cancel(sql, params.id));
  }

  @Serves(trace)
  async trace(@Called() { sql, params, query, caller }: Call<typeof trace>) {
    await getMessage(sql, params.id, caller.accounts);
    const after = fromCursor(query.cursor, z.tuple([z.int().nonnegative()]))?.[0] ?? 0;
    const rows = await listTrace(sql, params.id, {
      after,
      limit: query.limit + 1,
      deliveries: caller.accounts === null,
    });
    return toPage(rows, query.limit, { place: (row) => [row.position], show: ({ position: _, ...item }) => item });
  }

  /** The message as answered, once it is certain that the caller may see where it went; else all of it is undone. */
  private async queued(
    { sql, caller, hint }: Pick<Call, 'sql' | 'caller' | 'hint'>,
    message: MessageView,
  ): Promise<MessageView> {
    if (caller.accounts) await getMessage(sql, message.id, caller.accounts);
    hint('outbox', 'events', ['thread', message.threadId]);
    return this.present.message(message);
  }
}

async function demandQuoted(
  sql: Sql,
  about: { conversationId: string; messageId: string; accounts: VisibleAccounts },
): Promise<void> {
  const quoted = await getMessage(sql, about.messageId, about.accounts).catch(() => null);
  if (quoted?.conversationId !== about.conversationId) {
    throw new InvalidInput([{ path: 'replyTo', message: 'is no message of this conversation' }]);
  }
}
