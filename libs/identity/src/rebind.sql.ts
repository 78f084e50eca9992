/** One at a time per visitor and per person: whoever identifies twice at once is served in turn. */
export const LOCK = `select pg_advisory_xact_lock(hashtextextended(x, 7)) from unnest(array[$1, $2]::text[]) x order by x`;

export const VISITOR = `select contact_id as "contactId" from handle where scheme = 'visitor' and scope = $1 and value = $2 and proof <> 'claimed' for update`;

/** Owners of the proven handles, in the order asked: whom the token names, and who may be one with the visitor's contact by the policy of any proof. */
export const OWNERS = `select h.contact_id as "contactId", h.scheme from jsonb_array_elements($1::jsonb) with ordinality x(v, n)
  join handle h on h.scheme = v->>'scheme' and h.scope = coalesce(v->>'scope', '') and h.value = v->>'value' and h.proof <> 'claimed'
  where not is_another(h.contact_id, $1::jsonb) and (h.scheme = 'client' or h.contact_id = $2 or may_join($2, h.contact_id, array['verified', h.proof]))
  order by n for update of h`;

/** What else is proven of the visitor's contact: whether it is a person already, and which one. */
export const PROVEN = `select scheme, scope, value from handle where contact_id = $1 and proof <> 'claimed'`;

export const NAME = `update contact set name = $2, updated_at = clock_timestamp() where id = $1 and name is null`;

export const MERGE = `select merge_contacts($1, $2, 'identify', $3, $4, clock_timestamp()) as id`;

/** Conversations of both and of the visitor's thread, locked in the order in which everybody locks them. */
export const LOCK_CONVERSATIONS = `select id from conversation
  where contact_id = any ($1::text[]) or id in (
    select j.conversation_id from conversation_thread j join thread t on t.id = j.thread_id where t.account_id = $2 and t.external_id = $3)
  order by id for update`;

export const LOCK_PEOPLE = `select lock_people($1::text[])`;

/** Gives the person a handle without telling: what came of the token is told once. */
export const PROVE = `select outcome, contact_id as "contactId" from prove_handle($1, $2::jsonb, $3, $4, clock_timestamp(), false)`;
export const TELL = `select emit('contact.updated', null, $1, $2, '{"changes": ["handles"]}', clock_timestamp())`;

export const THREADS = `select id, external_id as "externalId", sequence from thread where account_id = $1 and external_id = any ($2::text[]) order by id for update`;

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
