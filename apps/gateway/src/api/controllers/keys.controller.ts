import { createApiKey, deleteApiKey, getApiKey, listApiKeys } from '#conversations';
import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { Called, endpoint, type Call } from '../core/endpoint.js';
import { fromCursor, pageOf, paging, toPage } from '../core/page.js';
import { Refusal } from '../core/problem.js';
import { hasScope, type Caller, type Scope } from '../core/scopes.js';
import { Serves } from '../core/serves.js';
import { byId } from '../schemas/elements.js';
import { ApiKeyInput, ApiKeyRecord, NewApiKey } from '../schemas/key.js';

const tag = 'Keys';

const list = endpoint({
  method: 'GET',
  path: '/v1/keys',
  scope: 'keys:read',
  tag,
  summary: 'List API keys',
  query: z.strictObject(paging),
  status: 200,
  answer: pageOf(ApiKeyRecord),
});
const create = endpoint({
  method: 'POST',
  path: '/v1/keys',
  scope: 'keys:write',
  tag,
  summary: 'Make an API key',
  description: 'The answer shows the key, once. It is stored hashed. Nobody can give a scope that their own key lacks.',
  body: ApiKeyInput,
  status: 201,
  answer: NewApiKey,
  secretAnswer: true,
  examples: { body: { name: 'helpdesk', scopes: ['conversations:read', 'conversations:write', 'events:read'] } },
});
const remove = endpoint({
  method: 'DELETE',
  path: '/v1/keys/{id}',
  scope: 'keys:write',
  tag,
  summary: 'Revoke an API key, at once',
  description: 'Nobody can revoke a key with a scope that their own key lacks.',
  params: byId,
  status: 204,
});

@Controller()
export class KeysController {
  @Serves(list)
  async list(@Called() { sql, query }: Call<typeof list>) {
    const after = fromCursor(query.cursor, z.tuple([z.string()]))?.[0] ?? null;
    const rows = await listApiKeys(sql, { after, limit: query.limit + 1 });
    return toPage(rows, query.limit, { place: (row) => [row.id], show: (row) => row });
  }

  @Serves(create)
  async create(@Called() { sql, body, caller }: Call<typeof create>) {
    demandScopes(caller, body.scopes);
    return createApiKey(sql, body);
  }

  @Serves(remove)
  async remove(@Called() { sql, params, caller }: Call<typeof remove>) {
    demandScopes(caller, (await getApiKey(sql, params.id)).scopes);
    await deleteApiKey(sql, params.id);
  }
}

/** Whoever makes or revokes a key has all of its scopes. Throws `Refusal` (`forbidden`). */
function demandScopes(caller: Caller, scopes: readonly string[]): void {
  const beyond = scopes.filter((scope) => !hasScope(caller, scope as Scope));
  if (beyond.length > 0) throw new Refusal('forbidden', `your key lacks ${beyond.join(', ')} itself`);
}
