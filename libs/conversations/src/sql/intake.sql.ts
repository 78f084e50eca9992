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
 * A message that changes nothing but counters takes one of two quick ways: where the batch is small, the statements of `intake` itself, which cost the least for
 * each but grow with each; else `store_known`, which stores them all at once. From the first message of a small batch that is none of those, the rest goes
 * the ways of a large one (`store_rest`): at once, then one by one (`store_message`).
 */
export const INTAKE = `
create type stored_item as (ord int, item_id text, duplicate boolean, conversation_id text, thread_id text, thread_sequence int, contact_id text, stored_at text,
  "position" bigint, partition smallint, lane text, target_id text, previous bigint, event_type text, event_sequence int, event_data jsonb);

create function intake(p_items jsonb, p_after bigint) returns setof stored_item language plpgsql
set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  i jsonb := p_items->0;
  place record;
  person record;
  m message;
  fresh text[];
  locked text[];
  done int[] := '{}';
  v_data jsonb;
  v_ref text;
  v_count int := jsonb_array_length(p_items);
  v_now timestamptz := clock_timestamp();
begin
  if v_count > 1 then
    with noted as (
      insert into inbox (account_id, dedupe_key, item_id, received_at)
      select x->>'accountId', x->>'dedupeKey', x->>'id', v_now
      from jsonb_array_elements(p_items) with ordinality e(x, n) where x->>'kind' <> 'cursor' order by x->>'accountId', x->>'dedupeKey', n
      on conflict do nothing returning item_id)
    select coalesce(array_agg(noted.item_id), '{}') into fresh from noted;
    locked := lock_touched(p_items);
  elsif i->>'kind' <> 'cursor' then
    insert into inbox (account_id, dedupe_key, item_id, received_at) values (i->>'accountId', i->>'dedupeKey', i->>'id', v_now) on conflict do nothing;
    fresh := case when found then array[i->>'id'] else '{}' end;
  end if;

  if v_count <= 2 then
    for n in 1..v_count loop
      i := p_items->(n - 1);
      continue when i->>'id' <> all (fresh);
      exit when i->>'kind' <> 'message';
      select t.id, t.sequence, c.id as conversation_id, c.contact_id, c.message_sequence, c.event_sequence, c.view, is_straight(t, c, i->'handles') as straight into place
      from thread t join conversation c on c.id = t.conversation_id
      where t.account_id = i->>'accountId' and t.external_id = i->>'thread' for update of c, t;
      exit when (i->'plain')::boolean is not true or place.straight is not true;
      select k.name, k.view, a.type, jsonb_build_object('id', a.id, 'channel', a.type, 'name', a.name) as account into person
      from handle h join contact k on k.id = h.contact_id join account a on a.id = i->>'accountId'
      where h.scheme = i->'handles'->0->>'scheme' and h.scope = coalesce(i->'handles'->0->>'scope', '') and h.value = i->'handles'->0->>'value'
        and h.proof <> 'claimed' and k.id = place.contact_id and not k.blocked and k.view is not null;
      exit when not found;

      update conversation set message_sequence = message_sequence + 1, event_sequence = event_sequence + 1, last_thread_id = place.id, updated_at = v_now
      where id = place.conversation_id;
      update thread set sequence = sequence + 1, last_inbound_at = greatest(last_inbound_at, least(v_now, (i->>'occurredAt')::timestamptz)), sent_since_inbound = unsent,
        refused_at = case when refused_for is null then refused_at end
      where id = place.id;
      insert into message (id, conversation_id, thread_id, account_id, sequence, thread_sequence, direction, author, parts, text, subject, status,
        external_ids, client_key, occurred_at, received_at)
      values (i->>'id', place.conversation_id, place.id, i->>'accountId', place.message_sequence + 1, place.sequence + 1, 'inbound',
        jsonb_build_object('kind', 'contact', 'id', place.contact_id, 'name', coalesce(i->>'name', person.name)), i->'parts', i->>'text', i->>'subject', 'received',
        array(select jsonb_array_elements_text(i->'externalIds')), i->>'clientKey',
        coalesce((i->>'occurredAt')::timestamptz, v_now), v_now)
      returning * into m;
      foreach v_ref in array m.external_ids loop
        insert into external_ref (account_id, external_id, message_id) values (m.account_id, v_ref, m.id) on conflict do nothing;
      end loop;
      v_data := jsonb_build_object('message', message_view(m), 'conversation', place.view || jsonb_build_object('updatedAt', iso(v_now)), 'contact', person.view,
        'account', person.account);
      insert into event (id, type, conversation_id, contact_id, account_id, sequence, data, created_at)
      values (i->>'eventId', 'message.received', m.conversation_id, place.contact_id, m.account_id, place.event_sequence + 1, v_data, v_now);
      if p_after is null then
        insert into outbox (partition, lane, kind, target_id, item_id)
        select lane_partition(l.lane), l.lane, 'event', l.target, i->>'eventId' from lanes_of(m.conversation_id, m.account_id, person.type) l;
      else
        return query
        insert into outbox as o (partition, lane, kind, target_id, item_id)
        select lane_partition(l.lane), l.lane, 'event', l.target, i->>'eventId' from lanes_of(m.conversation_id, m.account_id, person.type) l
        returning null::int, item_id, null::boolean, m.conversation_id, null, null::int, null, iso(v_now), position, partition, lane, target_id,
          (select b.position from outbox b where b.lane = o.lane and b.position > p_after and b.xmin <> pg_current_xact_id()::xid order by b.position desc limit 1),
          'message.received', place.event_sequence + 1, v_data;
      end if;
      return next row(n, m.id, false, m.conversation_id, m.thread_id, m.thread_sequence, place.contact_id, iso(v_now),
        null, null, null, null, null, null, null, null)::stored_item;
      done := done || n;
    end loop;
  end if;

  if cardinality(done) < v_count then
    return query select * from store_rest(p_items, fresh, done, locked, p_after, v_now);
  end if;
end
$$;

create function store_rest(p_items jsonb, p_fresh text[], p_done int[], p_locked text[], p_after bigint, p_now timestamptz) returns setof stored_item
language plpgsql as $$
#variable_conflict use_column
declare
  i record;
  o stored_item;
  m message;
  done int[] := p_done;
  v_item text;
  v_front bigint;
begin
  if p_after is not null then
    select case when s.is_called then s.last_value else 0 end into v_front from outbox_position_seq s;
  end if;
  if jsonb_array_length(p_items) > 1 then
    for o in select * from store_known(p_items, p_fresh, p_done, p_locked, p_now) loop
      done := done || o.ord;
      return next o;
    end loop;
  elsif p_items->0->>'kind' <> 'message' then
    perform lock_touched(p_items);
  end if;

  if cardinality(done) < jsonb_array_length(p_items) then
    for i in
      select n::int, x as v, x->>'kind' as kind from jsonb_array_elements(p_items) with ordinality e(x, n)
      where n <> all (done) and (x->>'kind' = 'cursor' or x->>'id' = any (p_fresh)) order by n
    loop
      if i.kind = 'message' then
        m := store_message(i.v, p_now);
        done := done || i.n;
        return next row(i.n, m.id, false, m.conversation_id, m.thread_id, m.thread_sequence, case when m.direction = 'inbound' then m.author->>'id' end,
          iso(p_now), null, null, null, null, null, null, null, null)::stored_item;
      elsif i.kind = 'receipt' then
        v_item := receive_receipt(i.v->>'accountId', i.v, p_now);
      elsif i.kind in ('opted-in', 'opted-out') then
        v_item := note_consent(i.v, p_now);
      elsif i.kind = 'cursor' then
        insert into cursor (name, value) values (i.v->>'name', i.v->>'value')
        on conflict (name) do update set value = excluded.value, updated_at = p_now;
        done := done || i.n;
      else
        v_item := change_message(i.v, p_now);
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
    select e.n::int, b.item_id, x->>'id' <> all (p_fresh), m.conversation_id, m.thread_id, m.thread_sequence,
      case when m.direction = 'inbound' then m.author->>'id' end, iso(coalesce(m.received_at, p_now)),
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
`;
