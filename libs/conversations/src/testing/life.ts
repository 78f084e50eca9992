import type { Database } from '#database';
import { addHandle, mergeContacts, removeHandle } from '#identity';
import { type InboundEvent, newId } from '#normalizer';
import { Intake } from '../intake/intake.js';
import { storedKey } from '../intake/item.js';
import { park } from '../intake/park.js';
import type { Files } from '../media/files.js';
import { Replies } from '../reply/replies.js';
import { FakeChannels, message, receipt } from './store.js';

/** Somebody of whom everything that the store can hold of a person holds the mark. */
export interface Life {
  readonly contactId: string;
  readonly mergedId: string;
  readonly conversationIds: readonly string[];
  readonly messageIds: readonly string[];
  readonly fileIds: readonly string[];
  /** The first message, as its provider may repeat it. */
  readonly first: InboundEvent;
}

export const CHANNELS = new FakeChannels({
  sms: {},
  web: { type: 'webchat', hosted: true, initiate: [] },
});

const FAILURE = { code: 'recipient-gone', retryable: false, owner: 'customer' };

/** Lives a life on the accounts `sms` and `web` (hosted) and the destination `desk`. `mark`: letters and digits. */
export async function live(database: Database, files: Files, mark: string): Promise<Life> {
  const intake = new Intake(database);
  const sender = (value: string, scheme = 'email') => ({
    handles: [{ scheme, scope: scheme === 'visitor' ? 'web' : '', value, proof: 'channel' as const }],
    name: `Name ${mark}`,
  });
  const media = {
    ...{ type: 'media' as const, kind: 'image' as const, mimeType: 'image/png', bytes: 5, state: 'pending' as const },
    ...{ ref: `https://provider.example/${mark}`, name: `${mark}.png`, caption: `caption ${mark}` },
  };
  const first = message(`thread-${mark}`, `hello ${mark}`, {
    dedupeKey: `dedupe-${mark}`,
    sender: sender(`${mark}@mail.example`),
    subject: `subject ${mark}`,
    externalIds: [`first-${mark}`],
  });
  const second = message(`thread-${mark}`, '', { sender: sender(`${mark}@mail.example`), parts: [media] });
  const [one, two] = await intake.accept('sms', [first, second]);
  const [other] = await intake.accept('web', [
    message(`vis-${mark}`, `chat ${mark}`, { sender: sender(`vis-${mark}`, 'visitor') }),
  ]);
  const ready = await files.store(database, Buffer.from(`content ${mark}`), { name: `${mark}.txt` });
  const replies = new Replies(database, CHANNELS);
  const reply = (conversationId: string, parts: object[]) =>
    database.transaction((sql) =>
      replies.reply(sql, conversationId, {
        parts,
        author: { kind: 'agent', name: `Agent ${mark}` },
      } as never),
    );
  const sent = await reply(one!.conversationId!, [
    { type: 'text', text: `answer ${mark}` },
    { type: 'media', kind: 'file', mimeType: 'text/plain', bytes: 1, state: 'ready', fileId: ready.id },
  ]);
  const queued = await reply(one!.conversationId!, [{ type: 'text', text: `queued ${mark}` }]);
  const seen = await reply(other!.conversationId!, [{ type: 'text', text: `seen ${mark}` }]);
  await database.query(
    `select settle_unit(u.id, 'sent', array['sent-' || $2], null, clock_timestamp()) from unit u where u.message_id = $1 and u.index = 0`,
    [sent.id, mark],
  );
  await intake.accept('sms', [
    receipt(`sent-${mark}`, 'delivered'),
    receipt('unknown', 'failed', { failure: { ...FAILURE, message: `no ${mark}@mail.example here` } }),
    { ...message(`thread-${mark}`, `edited ${mark}`, { sender: sender(`${mark}@mail.example`) }), kind: 'edited', externalId: `nowhere-${mark}` } as never,
    { kind: 'opted-out', dedupeKey: `out-${mark}`, thread: `thread-${mark}`, sender: sender(`${mark}@mail.example`) } as never,
  ]); // prettier-ignore
  await park(database, {
    ...{ id: newId('evt'), accountId: 'sms', dedupeKey: storedKey(`bad-${mark}`), stage: 'parse' },
    ...{ input: JSON.stringify({ sender: { handles: [{ value: `${mark}@mail.example` }] } }), error: `wrong: ${mark}` },
  });
  await adorn(database, {
    mark,
    contactId: one!.contactId!,
    conversationId: one!.conversationId!,
    messageId: one!.id!,
  });
  const former = { scheme: 'email', scope: '', value: `former-${mark}@mail.example` };
  await addHandle(database, one!.contactId!, { ...former, proof: 'claimed', source: 'key:admin' });
  await removeHandle(database, one!.contactId!, { ...former, by: 'key:admin' });
  const mergedId = other!.contactId!;
  await database.transaction((sql) =>
    mergeContacts(sql, { into: one!.contactId!, from: mergedId, reason: `because ${mark}`, by: 'key:admin' }),
  );
  const filed = await database.query<{ id: string }>('select id from file where message_id = any ($1)', [
    [two!.id, sent.id],
  ]);
  return {
    ...{ contactId: one!.contactId!, mergedId, first },
    conversationIds: [one!.conversationId!, other!.conversationId!],
    messageIds: [one!.id!, two!.id!, other!.id!, sent.id, queued.id, seen.id],
    fileIds: filed.map(({ id }) => id),
  };
}

/** What people, helpdesks and other parts of the gateway add. */
async function adorn(
  database: Database,
  { mark, ...ids }: { mark: string; contactId: string; conversationId: string; messageId: string },
): Promise<void> {
  const json = JSON.stringify({ note: mark, id: mark, url: `https://crm.example/${mark}` });
  await database.query(
    `update contact set crm = $2::jsonb, metadata = $2::jsonb, name = 'Name ' || $3::text where id = $1`,
    [ids.contactId, json, mark],
  );
  await database.query(`update conversation set tags = array[$2::text], metadata = $3::jsonb where id = $1`, [
    ids.conversationId,
    mark,
    json,
  ]);
  await database.query(
    `insert into reference (conversation_id, destination_id, ticket_id, url) values ($1, 'desk', $2, $2)`,
    [ids.conversationId, mark],
  );
  await database.query(
    `insert into delivery (destination_id, event_id, state, attempts, failure)
     select 'desk', e.id, case when e.sequence = 1 then 'dead' else 'delivered' end, 1, $2::jsonb from event e where e.conversation_id = $1 limit 2`,
    [ids.conversationId, json],
  );
  await database.query(
    `insert into trace (account_id, message_id, event_id, direction, exchange)
     values ('sms', $1, null, 'in', $2::jsonb), ('sms', null, null, 'in', jsonb_build_object('to', $3 || '@mail.example')),
       ('sms', null, (select id from event where conversation_id = $4 limit 1), 'out', $2::jsonb)`,
    [ids.messageId, json, mark, ids.conversationId],
  );
  await database.query(
    `insert into idempotency (scope, key, fingerprint, status, body)
     values ('admin POST /v1/conversations/' || $1 || '/messages', 'k-' || $1, 'f', 202, $3::jsonb),
       ('admin POST /v1/messages', 'k-' || $2, 'f', 202, jsonb_build_object('id', $2::text, 'text', $4::text))`,
    [ids.conversationId, ids.messageId, json, mark],
  );
  await database.query(
    `insert into introduction (account_id, thread, answers) values ('web', 'vis-' || $1, jsonb_build_object('name', $1::text, 'note', $1::text))`,
    [mark],
  );
  await database.query(
    `insert into code (id, purpose, subject, scheme, value, account_id, created_at, expires_at)
     values ('cod_' || $1, 'chat', 'web vis-' || $1, 'email', $1 || '@mail.example', 'sms', now(), now()), ('cod_2' || $1, 'api', $2, 'phone', $1, 'sms', now(), now())`,
    [mark, ids.contactId],
  );
  await database.query(
    `select lay_notice('ntc_' || md5($1), 'sms', jsonb_build_object('scheme', 'email', 'value', $1 || '@mail.example'),
       jsonb_build_array(jsonb_build_object('id', 'unt_' || md5($1), 'content', jsonb_build_object('text', $1::text))), now() + interval '1 hour', true)`,
    [mark],
  );
  await database.query(
    `insert into import_row (import_id, row, data, errors) values ('imp_' || md5($1), 1, jsonb_build_object('email', $1 || '@mail.example', 'name', 'Name ' || $1), '[]')`,
    [mark],
  );
  await database.query(
    `insert into contact_conflict (id, handle, contact_ids) values ('cfl_' || $2, jsonb_build_object('scheme', 'email', 'value', $2 || '@mail.example'), array[$1, 'con_z'])`,
    [ids.contactId, mark],
  );
}

/** Tables in which any column of any row holds the text, with how many rows. */
export async function findText(database: Database, text: string): Promise<Record<string, number>> {
  const tables = await database.query<{ name: string }>(
    `select c.relname as name from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' order by 1`,
  );
  const found: Record<string, number> = {};
  for (const { name } of tables) {
    const [row] = await database.query<{ n: number }>(
      `select count(*)::int as n from "${name}" x where position(lower($1) in lower(x::text)) > 0`,
      [text],
    );
    if (row!.n > 0) found[name] = row!.n;
  }
  return found;
}
