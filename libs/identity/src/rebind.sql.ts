/** One at a time per visitor and per person: whoever identifies twice at once is served in turn. */
export const LOCK = `select pg_advisory_xact_lock(hashtextextended(x, 7)) from unnest(array[$1, $2]::text[]) x order by x`;

export const VISITOR = `select contact_id as "contactId" from handle where scheme = 'visitor' and scope = $1 and value = $2 and proof <> 'claimed' for update`;

/** Owners of the proven handles, in the order asked. */
export const OWNERS = `select h.contact_id as "contactId", h.scheme from jsonb_array_elements($1::jsonb) with ordinality x(v, n)
  join handle h on h.scheme = v->>'scheme' and h.scope = coalesce(v->>'scope', '') and h.value = v->>'value' and h.proof <> 'claimed'
  where not is_another(h.contact_id, $1::jsonb) order by n for update of h`;

/** What else is proven of the visitor's contact: whether it is a person already, and which one. */
export const PROVEN = `select scheme, scope, value from handle where contact_id = $1 and proof <> 'claimed'`;

export const ATTACH = `insert into handle (id, contact_id, scheme, scope, value, proof, created_at, proven_at)
  select new_id('hdl'), $1, v->>'scheme', coalesce(v->>'scope', ''), v->>'value', 'verified', clock_timestamp(), clock_timestamp()
  from jsonb_array_elements($2::jsonb) v
  on conflict (scheme, scope, value) where proof <> 'claimed' do nothing returning id`;

/** Handles that stay with somebody else: a person decides. */
export const CONFLICTS = `select note_conflict(jsonb_build_object('handle', v, 'contactIds', jsonb_build_array(least(h.contact_id, $1), greatest(h.contact_id, $1))), clock_timestamp())
  from jsonb_array_elements($2::jsonb) v join handle h on h.scheme = v->>'scheme' and h.scope = coalesce(v->>'scope', '') and h.value = v->>'value' and h.proof <> 'claimed'
  where h.contact_id <> $1`;

export const NAME = `update contact set name = $2, updated_at = clock_timestamp() where id = $1 and name is null`;

export const LOCK_CONTACTS = `select id from contact where id = any ($1::text[]) order by id for update`;

/** Conversations of the visitor's contact and thread, locked in the order in which everybody locks them. */
export const LOCK_CONVERSATIONS = `select id from conversation
  where contact_id = $1 or id in (select j.conversation_id from conversation_thread j join thread t on t.id = j.thread_id where t.account_id = $2 and t.external_id = $3)
  order by id for update`;

export const THREADS = `select id, external_id as "externalId", sequence from thread where account_id = $1 and external_id = any ($2::text[]) order by id for update`;

/** Everything of one contact becomes another's. Returns what was moved, for the journal. */
export const MOVE = `with
  handles as (update handle set contact_id = $2 where contact_id = $1 returning id, jsonb_build_object('scheme', scheme, 'scope', scope, 'value', value, 'proof', proof) as view),
  threads as (update thread set contact_id = $2 where contact_id = $1 returning id),
  conversations as (update conversation set contact_id = $2 where contact_id = $1 returning id),
  gone as (update contact set merged_into = $2, updated_at = clock_timestamp() where id = $1)
  select coalesce((select jsonb_agg(id) from handles), '[]') as "handleIds", coalesce((select jsonb_agg(view) from handles), '[]') as handles,
    coalesce((select jsonb_agg(id) from threads), '[]') as "threadIds", coalesce((select jsonb_agg(id) from conversations), '[]') as "conversationIds"`;

export const RENAME = `update thread set external_id = $2, handles = $3::jsonb where id = $1`;

/** The messages of one thread are appended to another, in their order; the conversations go on over that other thread. */
export const FOLD = `with
  moved as (
    update message m set thread_id = $2, thread_sequence = case when m.thread_sequence > 0 then m.thread_sequence + t.sequence else 0 end
    from thread t where t.id = $2 and m.thread_id = $1),
  joined as (
    insert into conversation_thread (conversation_id, thread_id, added_at)
    select conversation_id, $2, added_at from conversation_thread where thread_id = $1 on conflict do nothing),
  left_behind as (delete from conversation_thread where thread_id = $1),
  last as (update conversation set last_thread_id = $2 where last_thread_id = $1)
  update thread t set sequence = t.sequence + v.sequence, handles = $3::jsonb,
    conversation_id = coalesce(t.conversation_id, v.conversation_id), open_choices = coalesce(v.open_choices, t.open_choices),
    last_inbound_at = greatest(t.last_inbound_at, v.last_inbound_at)
  from thread v where t.id = $2 and v.id = $1`;

export const EMPTY_THREAD = `update thread set sequence = 0, delivered_to = 0, read_to = 0, conversation_id = null, open_choices = null where id = $1`;

export const JOURNAL = `insert into merge (id, survivor_id, merged_id, reason, moved) values ($1, $2, $3, $4, $5::jsonb)`;

export const EMIT = `select emit($1, null, $2, $3, $4::jsonb, clock_timestamp())`;
