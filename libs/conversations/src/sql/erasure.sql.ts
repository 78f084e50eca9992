/**
 * `erase_contact(contact, by, reason, reference)`: takes a person out of the store, in the caller's transaction. Gone are the contact and all that were merged into it, with
 * handles, threads, conversations, messages of theirs elsewhere, units, files, waiting entries, deliveries, traces and whatever else names them; of their events
 * id, type and sequence stay. Returns the proof, which names ids only; null where there is no such contact.
 *
 * What keeps a repeat from storing it again: the inbox, whose keys are hashes; `idempotency` rows, which answer 410 from then on; `erased_session`, by which the
 * browsers of the person are known. `erasure.lanes` are the lanes of the outbox from which an event was taken: a relay forgets what it has of them in memory
 * (`Erasures`); a message to a customer it asks for before it begins. Proofs are chained: each hash covers the one before.
 *
 * `file_removal`: stored bytes that are to be deleted; those of a file that was still on its way a second time, when it must have arrived. `file_use`: further
 * messages that carry an upload which is tied to another one.
 *
 * What is whose: a message belongs to who wrote it or was meant by it, not to who has the thread by now (`messages_elsewhere`); what was set aside to the handles in
 * it, and where it has none, to whoever is named in it (`tells_of`).
 *
 * Locks: what may take long, looking for mentions, comes before them; then those of a merge; the stream's tables last, so that the relay of everybody else
 * waits for as little as possible. It may take longer than statements usually may: the caller lifts `statement_timeout`.
 */
export const ERASURE = `
create table erasure (
  position bigint generated always as identity primary key,
  id text not null unique,
  contact_ids text[] not null,
  conversation_ids text[] not null,
  asked_by text not null,
  reason text check (reason in ('request', 'retention', 'legal', 'other')),
  reference text check (reference ~ '^[A-Za-z0-9._-]{1,64}$'),
  counts jsonb not null,
  lanes text[] not null,
  previous text not null,
  hash text not null,
  at timestamptz not null
);
create index erasure_contact on erasure using gin (contact_ids);

create table erasure_seen (
  relay text primary key,
  position bigint not null
);

create table erased_session (
  hash text primary key,
  at timestamptz not null
);
create index erased_session_at on erased_session (at);

create table file_removal (
  key text primary key,
  due_at timestamptz not null,
  again_at timestamptz
);
create index file_removal_due on file_removal (due_at);

create table file_use (
  file_id text not null,
  message_id text not null,
  primary key (file_id, message_id)
);
create index file_use_message on file_use (message_id);

create index event_contact on event (contact_id) where conversation_id is null;

create function erasure_hash(e erasure) returns text language plpgsql stable as $$
begin
  return encode(sha256(convert_to(jsonb_build_array(e.previous, e.id, to_jsonb(e.contact_ids), to_jsonb(e.conversation_ids), e.asked_by, e.reason, e.reference, e.counts, iso(e.at))::text, 'utf8')), 'hex');
end
$$;

create function session_hash(p_kind text, p_account text, p_value text) returns text language sql immutable as $$
  select encode(sha256(convert_to(p_kind || ' ' || p_account || ' ' || p_value, 'utf8')), 'hex')
$$;

-- The contact and everybody who became part of it.
create function people_of(p_contact text) returns text[] language sql stable as $$
  with recursive part(id) as (
    select p_contact
    union
    select m.merged_id from part p join merge m on m.survivor_id = p.id and m.undone_at is null)
  select array_agg(id order by id) from part
$$;

-- Messages on threads of theirs that stand in conversations of others: they wrote them, or were one with the others then.
create function messages_elsewhere(p_people text[]) returns setof message language sql stable as $$
  select m.* from thread t join message m on m.thread_id = t.id join conversation c on c.id = m.conversation_id
  where t.contact_id = any (p_people) and c.contact_id <> all (p_people)
    and (m.author->>'id' = any (p_people) or exists (
      select 1 from merge g where m.received_at between g.created_at and g.undone_at and (g.merged_id = any (p_people) or g.survivor_id = any (p_people))
        and c.contact_id = root_contact(case when g.merged_id = any (p_people) then g.survivor_id else g.merged_id end)))
$$;

create function erase_contact(p_contact text, p_by text, p_reason text, p_reference text) returns erasure language plpgsql
set jit = off set plan_cache_mode = force_custom_plan as $$
declare
  e erasure;
  v_now timestamptz := clock_timestamp();
  v_people text[];
  v_conversations text[];
  v_elsewhere text[];
  v_threads text[];
  v_messages text[];
  v_units text[];
  v_events text[];
  v_others text[];
  v_lanes text[];
  v_handles jsonb;
  v_called text[];
  v_since timestamptz;
  v_joined timestamptz;
  v_looked timestamptz;
  v_answers int;
  v_accounts text[];
  v_channels text[];
  v_notices text[];
  v_n int;
begin
  v_people := people_of(p_contact);
  select min(c.created_at) into v_since from contact c where c.id = any (v_people);
  if not exists (select 1 from contact c where c.id = p_contact and c.merged_into is null) then return null; end if;
  v_looked := clock_timestamp() - interval '1 minute'; -- what is not committed by now is younger
  e.counts := erase_mentions(v_people, v_since, v_now);
  v_answers := erase_answers(v_people, v_since);
  perform lock_people(v_people);
  if v_people <> people_of(p_contact) or not exists (select 1 from contact c where c.id = p_contact and c.merged_into is null) then
    raise exception 'the contact is another by now' using errcode = 'serialization_failure';
  end if;

  v_conversations := array(select c.id from conversation c where c.contact_id = any (v_people) order by c.id);
  v_threads := array(select t.id from thread t where t.contact_id = any (v_people));
  v_messages := array(
    select m.id from message m where m.conversation_id = any (v_conversations) union select m.id from messages_elsewhere(v_people) m);
  v_elsewhere := array(select distinct m.conversation_id from message m where m.id = any (v_messages) and m.conversation_id <> all (v_conversations));
  perform 1 from conversation c where c.id = any (v_elsewhere) order by c.id for update;
  v_units := array(select u.id from unit u where u.message_id = any (v_messages));
  v_handles := handles_held(v_people);
  v_notices := array(select a.id || ':notice:' || h.value from account a cross join handle h where h.contact_id = any (v_people));
  select array_agg(distinct t.account_id), array_agg(distinct a.type) into v_accounts, v_channels
  from thread t left join account a on a.id = t.account_id where t.id = any (v_threads);
  e.counts := e.counts || jsonb_build_object('contacts', cardinality(v_people), 'conversations', cardinality(v_conversations), 'threads', cardinality(v_threads),
    'messages', cardinality(v_messages), 'units', cardinality(v_units), 'handles', (select count(*) from handle h where h.contact_id = any (v_people)));

  e.counts := e.counts || erase_files(v_people, v_messages, v_now);
  e.counts := e.counts || jsonb_build_object('answers', v_answers + erase_answers(v_people, greatest(v_since, v_looked)));

  insert into erased_session (hash, at)
  select distinct session_hash(h.scheme, h.scope, h.value), v_now from handle h where h.contact_id = any (v_people) and h.scheme in ('visitor', 'client')
  on conflict (hash) do update set at = excluded.at;

  -- Whom merges that were undone, or a conflict, have brought into the events of these, and these into theirs.
  v_others := array(
    with recursive other(id) as (
      select unnest(v_people) union select case when m.survivor_id = o.id then m.merged_id else m.survivor_id end from other o join merge m on o.id in (m.survivor_id, m.merged_id))
    select o.id from (select id from other union select unnest(f.contact_ids) from contact_conflict f where f.contact_ids && v_people) o where o.id <> all (v_people));
  select min(m.created_at) into v_joined from merge m where m.survivor_id = any (v_people) or m.merged_id = any (v_people);
  v_called := array(
    select c.name from contact c where c.id = any (v_people) and c.name is not null
    union select m.moved->'filled'->>'name' from merge m where m.merged_id = any (v_people) and m.moved->'filled' ? 'name'
    union select m.author->>'name' from message m where v_joined is not null and m.id = any (v_messages) and m.author->>'kind' = 'contact' and m.author->>'name' is not null);
  delete from merge m where m.survivor_id = any (v_people) or m.merged_id = any (v_people);
  get diagnostics v_n = row_count;
  e.counts := e.counts || jsonb_build_object('merges', v_n);
  delete from contact_conflict f where f.contact_ids && v_people;
  get diagnostics v_n = row_count;
  e.counts := e.counts || jsonb_build_object('conflicts', v_n);

  delete from external_ref r using message m where m.id = any (v_messages) and r.account_id = m.account_id and r.external_id = any (m.external_ids);
  delete from external_ref r using unit u where u.id = any (v_units) and r.account_id = u.account_id and r.external_id = any (u.external_ids);
  delete from early_receipt r where r.external_id = any (v_units);
  delete from reference r where r.conversation_id = any (v_conversations);
  delete from conversation_thread j where j.conversation_id = any (v_conversations) or j.thread_id = any (v_threads);
  delete from conversation c where c.id = any (v_conversations);
  v_lanes := array(select distinct u.account_id || ':' || u.thread_id from unit u where u.id = any (v_units));
  delete from unit u where u.id = any (v_units);
  delete from message m where m.id = any (v_messages);
  delete from thread t where t.id = any (v_threads);
  delete from handle_change k where k.contact_id = any (v_people) or k.handle_id in (select h.id from handle h where h.contact_id = any (v_people));
  delete from handle h where h.contact_id = any (v_people);
  delete from contact c where c.id = any (v_people);

  with gone as (delete from outbox o where o.lane = any (v_notices) returning o.item_id)
  delete from unit u using gone g where u.id = g.item_id;
  e.counts := e.counts || erase_events(v_people, v_others, v_conversations, v_elsewhere, v_messages, v_handles, v_called, v_joined, v_lanes, v_units);
  e.lanes := array(select jsonb_array_elements_text(e.counts->'lanes'));
  e.counts := e.counts - 'lanes';

  perform pg_advisory_xact_lock(hashtextextended('erasure', 0)); -- positions in the order of commit
  e.position := nextval('erasure_position_seq');
  e.id := new_id('ers');
  e.contact_ids := v_people;
  e.conversation_ids := v_conversations;
  e.asked_by := p_by;
  e.reason := p_reason;
  e.reference := p_reference;
  e.previous := coalesce((select x.hash from erasure x order by x.position desc limit 1), '');
  e.at := v_now;
  e.hash := erasure_hash(e);
  insert into erasure overriding system value select (e).*;

  -- Not by emit(): there is no contact any more to take a snapshot of, and no thread by which a filter could know its accounts.
  with told as (
    insert into event (id, type, contact_id, data, created_at)
    values (new_id('evt'), 'contact.erased', p_contact, jsonb_build_object('erasure', jsonb_build_object(
      'id', e.id, 'contactIds', to_jsonb(v_people), 'conversationIds', to_jsonb(v_conversations))), v_now)
    returning id)
  insert into outbox (partition, lane, kind, target_id, item_id)
  select lane_partition(d.id || ':' || p_contact), d.id || ':' || p_contact, 'event', d.id, told.id
  from told cross join destination d where d.removed_at is null and admits(d, 'contact.erased', null, v_accounts, v_channels);
  return e;
end
$$;

-- Files of these messages and uploads of these visitors. One that somebody else's message carries too is tied to that one.
create function erase_files(p_people text[], p_messages text[], p_now timestamptz) returns jsonb language plpgsql as $$
declare
  v_n int;
begin
  delete from file_use x where x.message_id = any (p_messages);
  with heirs as (
    delete from file_use x using (
      select distinct on (x.file_id) x.file_id, x.message_id from file_use x join file f on f.id = x.file_id
      where f.message_id = any (p_messages) order by x.file_id, x.message_id) first
    where x.file_id = first.file_id and x.message_id = first.message_id returning x.file_id, x.message_id)
  update file f set message_id = h.message_id from heirs h where f.id = h.file_id;
  with gone as (
    delete from file f where f.message_id = any (p_messages)
      or (f.message_id is null and f.owner in (select 'visitor:' || h.value from handle h where h.contact_id = any (p_people) and h.scheme = 'visitor'))
    returning f.id, f.state)
  insert into file_removal (key, due_at, again_at)
  select right(g.id, 2) || '/' || left(right(g.id, 4), 2) || '/' || g.id, p_now, case when g.state = 'pending' then p_now + interval '10 minutes' end from gone g
  on conflict (key) do nothing;
  get diagnostics v_n = row_count;
  return jsonb_build_object('files', v_n);
end
$$;

-- Recorded answers that name one of these, or were given under one: whoever repeats the request is told that it is gone.
create function erase_answers(p_people text[], p_since timestamptz) returns int language plpgsql as $$
declare
  v_ids text[] := p_people || array(
    with c as (select c.id from conversation c where c.contact_id = any (p_people))
    select c.id from c union all select m.id from c join message m on m.conversation_id = c.id union all select m.id from messages_elsewhere(p_people) m);
  v_n int;
begin
  update idempotency i set status = 410, body = null, fingerprint = '' where i.created_at >= p_since and i.status is not null and i.status <> 410 and exists (
    select 1 from regexp_matches(i.scope || ' ' || coalesce(i.body::text, ''), '(?:con|cnv|msg)_[0-9a-f]{32}', 'g') x where x[1] = any (v_ids));
  get diagnostics v_n = row_count;
  return v_n;
end
$$;

-- Of the events id, type and sequence stay; of those that tell of others only what they show of these people goes. Entries, deliveries and traces go. The lanes
-- from which an entry was taken, or whose content is another now, come back as 'lanes'.
create function erase_events(p_people text[], p_others text[], p_conversations text[], p_elsewhere text[], p_messages text[], p_handles jsonb, p_called text[], p_joined timestamptz,
  p_lanes text[], p_units text[]) returns jsonb language plpgsql as $$
declare
  v_gone text[];
  v_shared text[];
  v_signed text[];
  v_theirs text[];
  v_elsewhere text[];
  v_lanes text[];
  v_entries int;
  v_deliveries int;
  v_traces int;
begin
  v_theirs := array(select c.id from conversation c where c.contact_id = any (p_others));
  v_elsewhere := array(select unnest(v_theirs) union select unnest(p_elsewhere));
  v_gone := array(
    select e.id from event e where e.conversation_id = any (p_conversations)
    union all select e.id from event e where e.conversation_id is null and e.contact_id = any (p_people)
    union all select e.id from event e where e.conversation_id = any (v_elsewhere) and e.data->'message'->>'id' = any (p_messages)
    union all select e.id from event e where e.conversation_id is null and e.contact_id = any (p_others)
      and (e.data->'conflict'->'contactIds' ?| p_people or e.data->'merge'->>'mergedId' = any (p_people) or e.data->'merge'->>'survivorId' = any (p_people)));
  v_shared := array(
    select e.id from event e where (e.conversation_id = any (v_elsewhere) or (e.conversation_id is null and e.contact_id = any (p_others)))
      and e.id <> all (v_gone) and (e.data->'contact'->>'id' = any (p_people) or (e.created_at >= p_joined and (e.conversation_id is null or e.conversation_id = any (v_theirs))
        and (lists(e.data->'contact'->'handles', p_handles) or borrowed(e.data->'contact'->>'name', p_called, e.contact_id)))));
  v_signed := array(
    select e.id from event e where e.conversation_id = any (v_theirs) and e.created_at >= p_joined and e.id <> all (v_gone)
      and e.data->'message'->'author'->>'kind' = 'contact' and borrowed(e.data->'message'->'author'->>'name', p_called, e.contact_id));

  delete from trace t where t.message_id = any (p_messages) or t.event_id = any (v_gone || v_shared);
  get diagnostics v_traces = row_count;
  delete from delivery d using destination t where d.destination_id = t.id and d.event_id = any (v_gone);
  get diagnostics v_deliveries = row_count;
  v_lanes := p_lanes || array(select d.id || ':' || x from destination d cross join unnest(p_conversations || p_people || p_others || v_elsewhere) x);
  with gone as (
    delete from outbox o where o.lane = any (v_lanes) and (o.item_id = any (v_gone) or o.item_id = any (p_units)) returning o.lane, o.kind)
  select count(*), array_agg(distinct g.lane) filter (where g.kind = 'event') into v_entries, v_lanes from gone g;
  v_lanes := coalesce(v_lanes, '{}') || array(
    select distinct o.lane from event e cross join destination d join outbox o on o.lane = d.id || ':' || coalesce(e.conversation_id, e.contact_id) and o.item_id = e.id
    where e.id = any (v_shared || v_signed));
  update event e set data = null where e.id = any (v_gone) and e.data is not null;
  update event e set data = e.data - 'contact' where e.id = any (v_shared);
  update event e set data = jsonb_set(e.data, '{message,author,name}', 'null') where e.id = any (v_signed);
  update message m set author = jsonb_set(m.author, '{name}', 'null') from conversation c
  where c.id = any (v_theirs) and m.conversation_id = c.id and m.received_at >= p_joined and m.author->>'kind' = 'contact'
    and borrowed(m.author->>'name', p_called, c.contact_id);
  return jsonb_build_object('events', cardinality(v_gone), 'entries', v_entries, 'deliveries', v_deliveries, 'deliveryTraces', v_traces, 'lanes', to_jsonb(v_lanes));
end
$$;

-- Whether a name that stands with a contact is that of somebody who is erased, and not the contact's own.
create function borrowed(p_name text, p_called text[], p_contact text) returns boolean language plpgsql stable as $$
begin
  return p_name = any (p_called) and not exists (select 1 from contact c where c.id = p_contact and c.name = p_name);
end
$$;
`;
