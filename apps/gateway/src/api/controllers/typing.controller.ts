import { findThread, getConversation, type ThreadAddress } from '#conversations';
import type { Handle } from '#normalizer';
import { Controller, Inject } from '@nestjs/common';
import { Directory } from '../../directory/directory.js';
import { Called, endpoint, type Call } from '../core/endpoint.js';
import { Serves } from '../core/serves.js';
import { byId } from '../schemas/elements.js';
import { TypingInput } from '../schemas/conversation.js';

const typing = endpoint({
  method: 'POST',
  path: '/v1/conversations/{id}/typing',
  scope: 'conversations:write',
  tag: 'Messages',
  summary: 'Show or hide typing, where the channel can',
  description:
    'Where it cannot, nothing happens, and the answer is the same. Repeat it every few seconds while somebody types.',
  params: byId,
  body: TypingInput,
  bodyOptional: true,
  status: 204,
  work: 'outside',
});

@Controller()
export class TypingController {
  constructor(@Inject(Directory) private readonly directory: Directory) {}

  @Serves(typing)
  async typing(@Called() { sql, params, body, caller, signal, hint }: Call<typeof typing>) {
    await getConversation(sql, params.id, caller.accounts);
    const thread = await findThread(sql, params.id, { ...body.via, accounts: caller.accounts });
    const account = this.directory.account(thread.accountId);
    if (!account?.enabled || !account.adapter.capabilities.typing) return;
    const { hosted, socket } = account.adapter.ingress;
    if (hosted) {
      hint(['typing', JSON.stringify({ threadId: thread.id, on: body.on, name: body.name ?? null })]);
    } else if (socket) {
      hint(['account-typing', JSON.stringify({ accountId: account.id, thread: refOf(thread), on: body.on })]);
    } else {
      await account.adapter.typing?.(refOf(thread), body.on, this.directory.adapterContext(account, { signal }));
    }
  }
}

function refOf({ id, externalId, handles }: ThreadAddress) {
  return { id, externalId, handles: handles as Handle[] };
}
