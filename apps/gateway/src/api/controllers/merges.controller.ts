import { demandVisibleContact, NotFound } from '#conversations';
import type { Sql } from '#database';
import {
  findContact,
  findMerge,
  listHandles,
  mergeContacts,
  MergeRefused,
  readJournal,
  suggestLinks,
  undoMerge,
} from '#identity';
import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { Called, endpoint, type Call } from '../core/endpoint.js';
import { fromCursor, pageOf, paging, toPage } from '../core/page.js';
import { Refusal } from '../core/problem.js';
import { Serves } from '../core/serves.js';
import { byId } from '../schemas/elements.js';
import { HandleRecord, JournalEntry, MergeInput, MergeRecord, Suggestion } from '../schemas/identity.js';

const tag = 'Contacts';
const read = 'contacts:read' as const;
const write = 'contacts:write' as const;

const merge = endpoint({
  method: 'POST',
  path: '/v1/contacts/{id}/merge',
  scope: write,
  tag,
  summary: 'Join another contact into this one',
  description: 'No two conversations are fused. `POST /v1/merges/{id}/undo` restores both sides.',
  params: byId,
  body: MergeInput,
  status: 201,
  answer: MergeRecord,
  problems: ['taken'],
  examples: { body: { from: 'con_01a1b2', reason: 'the same person, she said so on the phone' } },
});
const get = endpoint({ method: 'GET', path: '/v1/merges/{id}', scope: read, tag, summary: 'Get a merge', params: byId, status: 200, answer: MergeRecord }); // prettier-ignore
const undo = endpoint({
  method: 'POST',
  path: '/v1/merges/{id}/undo',
  scope: write,
  tag,
  summary: 'Part two contacts again',
  description:
    'Handles, threads and conversations go back to whose they were. Messages stay in their conversations; what came in between on a thread goes where the thread goes.',
  params: byId,
  status: 200,
  answer: MergeRecord,
  problems: ['in-use'],
});
const journal = endpoint({
  method: 'GET',
  path: '/v1/contacts/{id}/journal',
  scope: read,
  tag,
  summary: 'What happened to who a contact is',
  description:
    'Handles with who vouches for them and what became of them (`raised`, `removed`, or `moved` to another contact), merges, conflicts; oldest first. A contact that was merged away has its journal still.',
  params: byId,
  query: z.strictObject(paging),
  status: 200,
  answer: pageOf(JournalEntry),
});
const handles = endpoint({
  method: 'GET',
  path: '/v1/contacts/{id}/handles',
  scope: read,
  tag,
  summary: 'Handles of a contact, with their proofs',
  params: byId,
  status: 200,
  answer: z.object({ items: z.array(HandleRecord), next: z.null() }),
});
const suggestions = endpoint({
  method: 'GET',
  path: '/v1/contacts/{id}/suggestions',
  scope: read,
  tag,
  summary: 'Contacts that may be the same person',
  description:
    'Whoever has what this contact claims, or claims what this contact has. Nothing is joined by it, and nobody is shown anything.',
  params: byId,
  status: 200,
  answer: z.object({ items: z.array(Suggestion), next: z.null() }),
});

/** Who is one person with whom. A key that is limited to accounts reads of the contacts that it sees; whom they are joined or confused with is not its business. */
@Controller()
export class MergesController {
  @Serves(merge)
  async merge(@Called() { sql, params, body, caller, hint }: Call<typeof merge>) {
    const id = await known(() =>
      mergeContacts(sql, { into: params.id, from: body.from, reason: body.reason, by: `key:${caller.id}` }),
    );
    if (id === null) throw new Refusal('taken', 'the two are one contact already');
    hint('outbox', 'events');
    return findMerge(sql, id);
  }

  @Serves(get)
  async get(@Called() { sql, params, caller }: Call<typeof get>) {
    const found = caller.accounts ? null : await findMerge(sql, params.id);
    if (!found) throw new NotFound(`there is no merge ${params.id}`);
    return found;
  }

  @Serves(undo)
  async undo(@Called() { sql, params, caller, hint }: Call<typeof undo>) {
    await known(() => undoMerge(sql, params.id, `key:${caller.id}`));
    hint('outbox', 'events');
    return findMerge(sql, params.id);
  }

  @Serves(journal)
  async journal(@Called() { sql, params, query, caller }: Call<typeof journal>) {
    if (caller.accounts) throw new Refusal('forbidden', 'a key that is limited to accounts cannot read journals');
    const after = fromCursor(query.cursor, z.tuple([z.string(), z.string()]));
    const rows = await readJournal(sql, params.id, { after, limit: query.limit + 1 });
    if (rows.length === 0 && !after) await existing(sql, params.id);
    return toPage(rows, query.limit, { place: (row) => [row.at, row.id], show: (row) => row });
  }

  @Serves(handles)
  async handles(@Called() { sql, params, caller }: Call<typeof handles>) {
    await demandVisibleContact(sql, params.id, caller.accounts);
    await existing(sql, params.id);
    return { items: await listHandles(sql, params.id), next: null };
  }

  @Serves(suggestions)
  async suggestions(@Called() { sql, params, caller }: Call<typeof suggestions>) {
    if (caller.accounts) throw new Refusal('forbidden', 'a key that is limited to accounts cannot read suggestions');
    await existing(sql, params.id);
    return { items: await suggestLinks(sql, params.id), next: null };
  }
}

async function existing(sql: Sql, id: string): Promise<void> {
  if (!(await findContact(sql, id))) throw new NotFound(`there is no contact ${id}`);
}

async function known<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MergeRefused)) throw error;
    throw error.code === 'not-found' ? new NotFound(error.message) : new Refusal('in-use', error.message);
  }
}
