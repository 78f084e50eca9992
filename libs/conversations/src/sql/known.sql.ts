/**
 * The ways of messages that change nothing but counters: plain ones (`arrange`) of known people on threads whose conversation is open. `store_known(...)` stores
 * those of a batch all at once; a contact of whom any message of the batch takes the slow way takes it with all, so that order holds. `intake` itself stores few
 * of them one by one.
 *
 * `is_straight(thread, conversation, handles)`: nothing of the two is in the way. `lock_touched(items)`: locks the conversations that the batch is known to touch
 * by id, then its threads by id, and returns the ids of both.
 */
export const KNOWN = `
create function is_straight(t thread, c conversation, p_handles jsonb) returns boolean language sql stable as $$
  select t.open_choices is null and t.handles = p_handles and t.contact_id = c.contact_id and c.status <> 'closed' and c.view is not null and c.event_sequence > 0
$$;

create function lanes_of(p_conversation text, p_account text, p_channel text) returns table (target text, lane text) language sql stable as $$
  select d.id, d.id || ':' || p_conversation from destination d where d.removed_at is null and admits(d, 'message.received', p_account, null, array[p_channel])
$$;

create function lock_touched(p_items jsonb) returns text[] language plpgsql as $$
begin
  if jsonb_path_exists(p_items, '$[*].externalId') then
    perform 1 from (
      select distinct case when x ? 'first' then (select t.conversation_id from thread t where t.account_id = x->>'accountId' and t.external_id = x->>'thread')
        when x ? 'externalId' then (
          select m.conversation_id from external_ref r join message m on m.id = r.message_id where r.account_id = x->>'accountId' and r.external_id = x->>'externalId')
        end as id
      from jsonb_array_elements(p_items) x order by id) touched
    cross join lateral (select 1 from conversation c where c.id = touched.id for update) locked;
  end if;
  return (
    select array_agg(l.conversation_id) || array_agg(l.thread_id) from (
      select c.id as conversation_id, t.id as thread_id
      from jsonb_array_elements(p_items) x join thread t on t.account_id = x->>'accountId' and t.external_id = x->>'thread' join conversation c on c.id = t.conversation_id
      where x ? 'first' order by c.id, t.id for update of c, t) l);
end
$$;

create function store_known(p_items jsonb, p_fresh text[], p_done int[], p_locked text[], p_now timestamptz) returns setof stored_item language plpgsql as $$
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
      not k.blocked and k.view is not null and t.contact_id = h.contact_id and is_straight(t, c, i.v->'handles') and t.id = any (p_locked) and c.id = any (p_locked)
        as known
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
      from item i join place p on p.place = i.place where i.id = any (p_fresh) and i.n <> all (p_done)) x
    where x.straight
    window in_conversation as (partition by x.conversation_id order by x.n), in_thread as (partition by x.thread_id order by x.n)),
  line as materialized (
    select h.n, h.v->>'eventId' as event_id, h.event_sequence + h.in_conversation::int as event_sequence, h.conversation, h.contact_id, h.contact, h.account,
      row(h.id, h.conversation_id, h.thread_id, h.account_id, h.message_sequence + h.in_conversation, h.thread_sequence + h.in_thread, 'inbound',
        jsonb_build_object('kind', 'contact', 'id', h.contact_id, 'name', coalesce(h.v->>'name', h.name)), h.v->'parts', h.v->>'text', h.v->>'subject',
        null, 'received', null, coalesce((h.v->>'automated')::boolean, false), array(select jsonb_array_elements_text(h.v->'externalIds')), h.v->>'clientKey',
        null, coalesce((h.v->>'occurredAt')::timestamptz, p_now), p_now, null, null, null, null)::message as m
    from hot h),
  joined as (
    update conversation c set message_sequence = c.message_sequence + h.conversation_total, event_sequence = c.event_sequence + h.conversation_total,
      last_thread_id = h.thread_id, updated_at = p_now
    from hot h where h.conversation_id = c.id and h.in_conversation = h.conversation_total and c.id = any (array(select o.conversation_id from hot o))),
  counted as (
    update thread t set sequence = t.sequence + h.thread_total, last_inbound_at = greatest(t.last_inbound_at, least(p_now, (h.v->>'occurredAt')::timestamptz)), sent_since_inbound = t.unsent,
      refused_at = case when t.refused_for is null then t.refused_at end
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
