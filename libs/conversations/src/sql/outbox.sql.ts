/**
 * `stream_front()`: the last positions handed out, and then who may still be writing below them (read it with `Horizon`, which holds the proof).
 *
 * `start_units(holder, items)`: marks units as `started` before their first byte leaves. Answers per item: `go`; `again` (an attempt began before and its
 * end is unknown; one that this lease began and whose holder was not `told` so did not begin: the answer was lost); `skip` (an earlier unit of the same message failed, or the recipient opted out, or was found to be gone, since it was queued, or its message went another way while nobody knew how it ended, see `failure`); `gone` (sent, cancelled, superseded or expired meanwhile); `busy` (ask again).
 *
 * `settle_outbox(holder, items)`: what became of entries, in one statement. Returns the positions that it settled. Of a notice nothing is left then.
 *
 * Both never scan a table: a plan that was made while the outbox was empty serves when it is full.
 *
 * Both are fenced: an item whose lease is no longer held by `holder` with that token is passed over. Conversations are locked first, by id.
 */
export const OUTBOX = `
create function stream_front(out outbox bigint, out event bigint, out writers text[]) language plpgsql as $$
begin
  select case when s.is_called then s.last_value else 0 end into outbox from outbox_position_seq s;
  select case when s.is_called then s.last_value else 0 end into event from event_position_seq s;
  select coalesce(array_agg(distinct l.virtualtransaction), '{}') into writers from pg_locks l
  where l.locktype = 'relation' and l.mode = 'RowExclusiveLock' and l.relation in ('outbox'::regclass, 'event'::regclass)
    and l.database = (select d.oid from pg_database d where d.datname = current_database());
end
$$;

create function held_items(p_holder text, p_items jsonb) returns setof jsonb language sql stable as $$
  select i from jsonb_array_elements(p_items) i
  join lease l on l.name = i->>'lease' and l.token = (i->>'token')::bigint and l.holder = p_holder
$$;

create function start_units(p_holder text, p_items jsonb) returns table ("position" bigint, verdict text, failure jsonb) language plpgsql set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  return query
  with item as (
    select (i->>'position')::bigint as place, (i->>'token')::bigint as token, o.position as found, u.id, u.status, u.superseded,
      case when u.superseded and u.status = 'started' then
        '{"code": "outcome-unknown", "message": "the gateway stopped while sending, and another way was taken", "retryable": false, "owner": "provider"}'::jsonb
      else coalesce(s.failure, case when t.refused_for is not null and t.opted_out_at is null and is_refused(t) then
        '{"code": "recipient-gone", "message": "the provider knows of no such recipient", "retryable": false, "owner": "contact"}'::jsonb
      when is_refused(t) then
        '{"code": "opted-out", "message": "the recipient asked not to be written to", "retryable": false, "owner": "contact"}'::jsonb end) end as failure,
      coalesce(u.expires_at < clock_timestamp(), false) as expired,
      u.started_token = (i->>'token')::bigint and not (i->>'told')::boolean as ours
    from held_items(p_holder, p_items) i
    left join outbox o on o.position = (i->>'position')::bigint
      and o.position = any (array(select (x->>'position')::bigint from jsonb_array_elements(p_items) x))
    left join unit u on u.id = o.item_id
    left join lateral (
      select x.failure from unit x
      where x.message_id = u.message_id and x.index < u.index and x.status = 'failed' and not x.superseded and x.failure->>'code' <> 'outcome-unknown'
      order by x.index limit 1) s on true
    left join thread t on t.id = u.thread_id),
  marked as (
    update unit u set status = 'started', started_token = i.token, updated_at = clock_timestamp() from item i
    where u.id = i.id and u.status = 'queued' and not u.superseded and not i.expired and i.failure is null returning u.id)
  select i.place, case
    when i.found is null or i.id is null or i.expired then 'gone'
    when i.superseded then case i.status when 'started' then 'skip' else 'gone' end
    when m.id is not null then 'go'
    when i.status = 'started' and i.ours then 'go'
    when i.status = 'started' then 'again'
    when i.status = 'queued' and i.failure is not null then 'skip'
    when i.status = 'queued' then 'busy'
    else 'gone' end, i.failure
  from item i left join marked m on m.id = i.id;
end
$$;

create function settle_outbox(p_holder text, p_items jsonb) returns setof bigint language plpgsql set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan as $$
declare
  held jsonb := (select coalesce(jsonb_agg(i), '[]') from held_items(p_holder, p_items) i);
  v_positions bigint[] := array(select (i->>'position')::bigint from jsonb_array_elements(held) i);
  v_now timestamptz := clock_timestamp();
  r record;
begin
  if held @> '[{"result": "unit"}]' then
    for r in
      select o.position, o.item_id, m.conversation_id, i->>'status' as status, i->'failure' as failure,
        array(select jsonb_array_elements_text(i->'externalIds')) as external_ids
      from jsonb_array_elements(held) i join outbox o on o.position = (i->>'position')::bigint
      left join unit u on u.id = o.item_id left join message m on m.id = u.message_id
      where o.position = any (v_positions) and i->>'result' = 'unit' order by m.conversation_id, o.position
    loop
      perform 1 from conversation c where c.id = r.conversation_id for update;
      delete from outbox o where o.position = r.position;
      if found then
        perform settle_unit(r.item_id, r.status, r.external_ids, r.failure, v_now);
        return next r.position;
      end if;
    end loop;
  end if;

  return query
  with item as (
    select (i->>'position')::bigint as place, i->>'result' as result, i->'failure' as failure, i->'reference' as reference
    from jsonb_array_elements(held) i where i->>'result' in ('delivered', 'dead', 'dropped')),
  gone as (
    delete from outbox o using item i where o.position = any (v_positions) and o.position = i.place
    returning o.position, o.kind, o.target_id, o.item_id, o.attempts, i.result, i.failure, i.reference),
  unsaid as (
    delete from unit u using gone g where g.kind = 'unit' and u.id = g.item_id and u.expires_at is not null),
  noted as (
    insert into delivery (destination_id, event_id, state, attempts, failure, settled_at)
    select distinct on (g.target_id, g.item_id) g.target_id, g.item_id, g.result, g.attempts + 1, g.failure, v_now
    from gone g where g.kind = 'event' and g.result <> 'dropped' order by g.target_id, g.item_id, g.position desc
    on conflict (destination_id, event_id) do update set
      state = excluded.state, attempts = excluded.attempts, failure = excluded.failure, settled_at = excluded.settled_at),
  referred as (
    insert into reference (conversation_id, destination_id, ticket_id, url, updated_at)
    select distinct on (e.conversation_id, g.target_id) e.conversation_id, g.target_id, g.reference->>'ticketId', g.reference->>'url', v_now
    from gone g join event e on e.id = g.item_id
    where g.reference->>'ticketId' is not null and e.conversation_id is not null
    order by e.conversation_id, g.target_id, g.position desc
    on conflict (conversation_id, destination_id) do update set ticket_id = excluded.ticket_id, url = excluded.url, updated_at = excluded.updated_at
    where (reference.ticket_id, reference.url) is distinct from (excluded.ticket_id, excluded.url))
  select g.position from gone g;

  if held @> '[{"result": "retry"}]' then
    return query
    with later as (
      update outbox o set attempts = o.attempts + 1, first_attempt_at = coalesce(o.first_attempt_at, v_now), failure = i->'failure',
        due_at = v_now + make_interval(secs => (i->>'delayMs')::float8 / 1000)
      from jsonb_array_elements(held) i where o.position = any (v_positions) and i->>'result' = 'retry' and o.position = (i->>'position')::bigint
      returning o.position, o.kind, o.item_id),
    requeued as (
      update unit u set status = 'queued', updated_at = v_now from later l where l.kind = 'unit' and u.id = l.item_id and u.status = 'started')
    select l.position from later l;
  end if;
end
$$;
`;
