import { announceContact, NotFound } from '#conversations';
import type { Sql } from '#database';
import {
  findConflict,
  listConflicts,
  mergeContacts,
  moveHandle,
  settleConflict,
  takeConflict,
  type ConflictRecord,
} from '#identity';
import { InvalidInput } from '#normalizer';
import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { Called, endpoint, type Call } from '../core/endpoint.js';
import { fromCursor, pageOf, toPage } from '../core/page.js';
import { Refusal } from '../core/problem.js';
import { Serves } from '../core/serves.js';
import { byId } from '../schemas/elements.js';
import { ConflictQuery, ConflictRecord as Conflict, Resolution } from '../schemas/identity.js';

const tag = 'Contacts';

const list = endpoint({
  method: 'GET',
  path: '/v1/conflicts',
  scope: 'contacts:read',
  tag,
  summary: 'Handles that lead to several contacts',
  description: 'Oldest first.',
  query: ConflictQuery,
  status: 200,
  answer: pageOf(Conflict),
});
const resolve = endpoint({
  method: 'POST',
  path: '/v1/conflicts/{id}/resolve',
  scope: 'contacts:write',
  tag,
  summary: 'Decide a conflict',
  params: byId,
  body: Resolution,
  status: 200,
  answer: Conflict,
  problems: ['in-use'],
  examples: { body: { action: 'keep' } },
});

/** Conflicts are of no account: keys that are limited to accounts see none of them. */
@Controller()
export class ConflictsController {
  @Serves(list)
  async list(@Called() { sql, query, caller }: Call<typeof list>) {
    if (caller.accounts) throw new Refusal('forbidden', 'a key that is limited to accounts cannot read conflicts');
    const after = fromCursor(query.cursor, z.tuple([z.string()]))?.[0] ?? null;
    const rows = await listConflicts(sql, { state: query.state, after, limit: query.limit + 1 });
    return toPage(rows, query.limit, { place: (row) => [row.id], show: (row) => row });
  }

  @Serves(resolve)
  async resolve(@Called() { sql, params, body, caller, hint }: Call<typeof resolve>) {
    const conflict = await takeConflict(sql, params.id);
    if (!conflict) {
      if (!(await findConflict(sql, params.id))) throw new NotFound(`there is no conflict ${params.id}`);
      throw new Refusal('in-use', 'the conflict is decided already');
    }
    const by = `key:${caller.id}`;
    if (body.action === 'keep') await settleConflict(sql, conflict.id, { resolution: 'kept', by });
    else if (body.action === 'merge') await join(sql, conflict, { into: body.into, by });
    else await give(sql, conflict, { to: body.to, by });
    hint('outbox', 'events');
    return findConflict(sql, conflict.id);
  }
}

/** The other side of the conflict; throws where the named one is no side of it. */
function across({ contacts }: ConflictRecord, id: string, path: string): string {
  const sides = contacts.map((contact) => contact.id);
  const other = sides.find((side) => side !== id);
  if (!sides.includes(id) || other === undefined)
    throw new InvalidInput([{ path, message: `expected one of ${sides.join(', ')}` }]);
  return other;
}

async function join(sql: Sql, conflict: ConflictRecord, { into, by }: { into: string; by: string }): Promise<void> {
  const from = across(conflict, into, 'into');
  await mergeContacts(sql, { into, from, reason: `conflict ${conflict.id}`, by }); // decides this conflict, and every other of these two
}

async function give(sql: Sql, conflict: ConflictRecord, { to, by }: { to: string; by: string }): Promise<void> {
  const from = across(conflict, to, 'to');
  if (!(await moveHandle(sql, conflict.handle, { from, to, source: by })))
    throw new Refusal('in-use', 'the handle is not the other contact’s any more');
  await settleConflict(sql, conflict.id, { resolution: 'moved', by });
  for (const id of [from, to]) await announceContact(sql, 'contact.updated', { id, changes: ['handles'] });
}
