/**
 * `intake(items)`: a batch of inbound events, marked by `arrange`, in one statement and one transaction: dedupe, identity, conversation and sequence,
 * message, events and outbox. A row comes back for every item but cursors; `duplicate` ones name what was stored before.
 *
 * Behind `p_after`, the place up to which the relay of this process has read the outbox, it also hands over what it laid there: the rows with a `position`,
 * one per outbox row, and what stood last in its lane behind that place (`previous`).
 *
 * Only what the inbox took is stored, so a repeated provider event leaves no gap in any sequence, whoever else stores it at the same moment.
 * Locks are taken in one order everywhere (inbox keys, handles, contacts, conversations by id, lanes): the conversations that the batch is known to touch are
 * locked first, by id. What a concurrent transaction changes in between is seen by the next statement (read committed).
 *
 * `store_known(...)` stores, all at once, the messages that change nothing but counters: plain ones of known people on threads whose conversation is open.
 * The rest goes one by one: `store_message`. A contact of whom any message of the batch takes the slow way takes it with all, so that order holds.
 */
export const INTAKE = `
create type stored_item as (ord int, item_id text, duplicate boolean, conversation_id text, thread_id text, thread_sequence int, contact_id text, stored_at text,
  "position" bigint, partition smallint, lane text, target_id text, previous bigint, event_type text, event_sequence int, event_data jsonb);

create function intake(p_items jsonb, p_after bigint) returns setof stored_item language plpgsql
set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  i record;
  o stored_item;
  m message;
  fresh text[];
  done int[] := '{}';
  v_item text;
  v_now timestamptz := clock_timestamp();
  v_front bigint;
begin
  if p_after is not null then
    select case when s.is_called then s.last_value else 0 end into v_front from outbox_position_seq s;
  end if;
  with noted as (
    insert into inbox (account_id, dedupe_key, item_id, received_at)
    select x->>'accountId', x->>'dedupeKey', x->>'id', v_now
    from jsonb_array_elements(p_items) with ordinality e(x, n) where x->>'kind' <> 'cursor' order by x->>'accountId', x->>'dedupeKey', n
    on conflict do nothing returning item_id)
  select coalesce(array_agg(noted.item_id), '{}') into fresh from noted;

  if jsonb_array_length(p_items) = 1 and p_items->0->>'kind' = 'message' then -- alone it is quicker by itself
    perform 1 from conversation c where c.id = (
      select t.conversation_id from thread t where t.account_id = p_items->0->>'accountId' and t.external_id = p_items->0->>'thread') for update;
  else
    for o in select * from store_known(p_items, fresh, lock_touched(p_items), v_now) loop
      done := done || o.ord;
      return next o;
    end loop;
  end if;

  if cardinality(done) < jsonb_array_length(p_items) then
    for i in
      select n::int, x as v, x->>'kind' as kind from jsonb_array_elements(p_items) with ordinality e(x, n)
      where n <> all (done) and (x->>'kind' = 'cursor' or x->>'id' = any (fresh)) order by n
    loop
      if i.kind = 'message' then
        m := store_message(i.v, v_now);
        done := done || i.n;
        return next row(i.n, m.id, false, m.conversation_id, m.thread_id, m.thread_sequence, case when m.direction = 'inbound' then m.author->>'id' end,
          iso(v_now), null, null, null, null, null, null, null, null)::stored_item;
      elsif i.kind = 'receipt' then
        v_item := receive_receipt(i.v->>'accountId', i.v, v_now);
      elsif i.kind in ('opted-in', 'opted-out') then
        v_item := note_consent(i.v, v_now);
      elsif i.kind = 'cursor' then
        insert into cursor (name, value) values (i.v->>'name', i.v->>'value')
        on conflict (name) do update set value = excluded.value, updated_at = v_now;
        done := done || i.n;
      else
        v_item := change_message(i.v, v_now);
      end if;
      if i.kind in ('edited', 'deleted', 'reaction') and v_item is null then
        delete from inbox b where b.account_id = i.v->>'accountId' and b.dedupe_key = i.v->>'dedupeKey';
        insert into poison (id, account_id, dedupe_key, input, error)
        values (i.v->>'id', i.v->>'accountId', i.v->>'dedupeKey', i.v, 'it names a message that is not known: ' || (i.v->>'externalId'))
        on conflict (account_id, dedupe_key) where resolved_at is null do nothing;
      elsif i.kind not in ('message', 'cursor') then
        update inbox b set item_id = v_item where b.account_id = i.v->>'accountId' and b.dedupe_key = i.v->>'dedupeKey';
      end if;
    end loop;
  end if;

  if cardinality(done) < jsonb_array_length(p_items) then
    return query
    select e.n::int, b.item_id, x->>'id' <> all (fresh), m.conversation_id, m.thread_id, m.thread_sequence,
      case when m.direction = 'inbound' then m.author->>'id' end, iso(coalesce(m.received_at, v_now)),
      null::bigint, null::smallint, null::text, null::text, null::bigint, null::text, null::int, null::jsonb
    from jsonb_array_elements(p_items) with ordinality e(x, n)
    left join lateral (select * from inbox i where i.account_id = x->>'accountId' and i.dedupe_key = x->>'dedupeKey' limit 1) b on true
    left join lateral (select * from message o where o.id = b.item_id limit 1) m on true
    where n <> all (done) order by e.n;
  end if;

  if p_after is not null then
    return query
    select null::int, o.item_id, null::boolean, e.conversation_id, null::text, null::int, null::text, iso(e.created_at), o.position, o.partition, o.lane, o.target_id,
      (select b.position from outbox b where b.lane = o.lane and b.position > p_after and b.xmin <> o.xmin order by b.position desc limit 1), e.type, e.sequence, e.data
    from outbox o cross join lateral (select * from event x where x.id = o.item_id limit 1) e
    where o.position > v_front and o.kind = 'event' and o.xmin = pg_current_xact_id()::xid order by o.position;
  end if;
end
$$;

create function lock_touched(p_items jsonb) returns text[] language plpgsql as $$
declare
  conversations text[];
  threads text[];
begin
  select array_agg(touched.id) into conversations from (
    select distinct case when x ? 'first' then (select t.conversation_id from thread t where t.account_id = x->>'accountId' and t.external_id = x->>'thread')
      when x ? 'externalId' then (
        select m.conversation_id from external_ref r join message m on m.id = r.message_id where r.account_id = x->>'accountId' and r.external_id = x->>'externalId')
      end as id
    from jsonb_array_elements(p_items) x order by id) touched
  cross join lateral (select 1 from conversation c where c.id = touched.id for update) locked;
  select array_agg(touched.id) into threads from (
    select distinct (select t.id from thread t where t.account_id = x->>'accountId' and t.external_id = x->>'thread') as id
    from jsonb_array_elements(p_items) x where x ? 'first' order by id) touched
  cross join lateral (select 1 from thread t where t.id = touched.id for update) locked;
  return conversations || threads;
end
$$;

create function store_known(p_items jsonb, p_fresh text[], p_locked text[], p_now timestamptz) returns setof stored_item language plpgsql as $$
#variable_conflict use_column
begin
  return query
  with item as materialized (
    select n, x as v, x->>'id' as id, x->>'accountId' as account_id, (x->'place')::int as place, (x->'plain')::boolean as plain, x ? 'first' as first
    from jsonb_array_elements(p_items) with ordinality e(x, n)),
  source as materialized (
    select a.id, a.type, jsonb_build_object('id', a.id, 'channel', a.type, 'name', a.name) as view from account a where a.id in (select i.account_id from item i)),
  place as materialized (
    select i.place, h.contact_id, k.name, k.view as contact, a.view as account, t.id as thread_id, t.sequence as thread_sequence,
      c.id as conversation_id, c.message_sequence, c.event_sequence, c.view || jsonb_build_object('updatedAt', iso(p_now)) as conversation,
      not k.blocked and k.view is not null and t.contact_id = h.contact_id and t.open_choices is null and t.handles = i.v->'handles'
        and c.contact_id = h.contact_id and c.status <> 'closed' and c.view is not null and t.id = any (p_locked) and c.id = any (p_locked) as known
    from item i
    join source a on a.id = i.account_id
    left join lateral (
      select o.contact_id from handle o where o.scheme = i.v->'handles'->0->>'scheme' and o.scope = coalesce(i.v->'handles'->0->>'scope', '')
        and o.value = i.v->'handles'->0->>'value' and o.proof <> 'claimed' limit 1) h on true
    left join lateral (select * from contact o where o.id = h.contact_id limit 1) k on true
    left join lateral (select * from thread o where o.account_id = i.account_id and o.external_id = i.v->>'thread' limit 1) t on true
    left join lateral (select * from conversation o where o.id = t.conversation_id limit 1) c on true
    where i.first),
  hot as materialized (
    select x.*, row_number() over in_conversation as in_conversation, count(*) over (partition by x.conversation_id) as conversation_total,
      row_number() over in_thread as in_thread, count(*) over (partition by x.thread_id) as thread_total
    from (
      select i.n, i.v, i.id, i.account_id, p.*, coalesce(bool_and(i.plain and p.known) over (partition by p.contact_id), false) as straight
      from item i join place p on p.place = i.place where i.id = any (p_fresh)) x
    where x.straight
    window in_conversation as (partition by x.conversation_id order by x.n), in_thread as (partition by x.thread_id order by x.n)),
  line as materialized (
    select h.n, h.v->>'eventId' as event_id, h.event_sequence + h.in_conversation::int as event_sequence, h.conversation, h.contact_id, h.contact, h.account,
      row(h.id, h.conversation_id, h.thread_id, h.account_id, h.message_sequence + h.in_conversation, h.thread_sequence + h.in_thread, 'inbound',
        jsonb_build_object('kind', 'contact', 'id', h.contact_id, 'name', coalesce(h.v->>'name', h.name)), h.v->'parts', h.v->>'text', h.v->>'subject',
        null, 'received', null, coalesce((h.v->>'automated')::boolean, false), array(select jsonb_array_elements_text(h.v->'externalIds')), h.v->>'clientKey',
        null, coalesce((h.v->>'occurredAt')::timestamptz, p_now), p_now, null, null, null)::message as m
    from hot h),
  joined as (
    update conversation c set message_sequence = c.message_sequence + h.conversation_total, event_sequence = c.event_sequence + h.conversation_total,
      last_thread_id = h.thread_id, updated_at = p_now
    from hot h where h.conversation_id = c.id and h.in_conversation = h.conversation_total and c.id = any (array(select o.conversation_id from hot o))),
  counted as (
    update thread t set sequence = t.sequence + h.thread_total, last_inbound_at = greatest(t.last_inbound_at, least(p_now, (h.v->>'occurredAt')::timestamptz)), sent_since_inbound = 0
    from hot h where h.thread_id = t.id and h.in_thread = h.thread_total and t.id = any (array(select o.thread_id from hot o))),
  told as (insert into message select (l.m).* from line l order by l.n),
  named as (
    insert into external_ref (account_id, external_id, message_id)
    select (l.m).account_id, x, (l.m).id from line l cross join lateral unnest((l.m).external_ids) x order by 1, 2 on conflict do nothing),
  written as (
    insert into event (id, type, conversation_id, contact_id, account_id, sequence, data, created_at)
    select l.event_id, 'message.received', (l.m).conversation_id, l.contact_id, (l.m).account_id, l.event_sequence,
      jsonb_build_object('message', message_view(l.m), 'conversation', l.conversation, 'contact', l.contact, 'account', l.account), p_now
    from line l order by l.n
    returning position, id, conversation_id, account_id),
  laid as (
    insert into outbox (partition, lane, kind, target_id, item_id)
    select lane_partition(w.lane), w.lane, 'event', w.target, w.id
    from (
      select e.position, e.id, d.id as target, d.id || ':' || e.conversation_id as lane
      from written e join source a on a.id = e.account_id
      join destination d on d.removed_at is null and admits(d, 'message.received', a.id, null, array[a.type])) w
    order by w.position)
  select l.n::int, (l.m).id, false, (l.m).conversation_id, (l.m).thread_id, (l.m).thread_sequence, l.contact_id, iso(p_now),
    null::bigint, null::smallint, null::text, null::text, null::bigint, null::text, null::int, null::jsonb
  from line l;
end
$$;
`;
