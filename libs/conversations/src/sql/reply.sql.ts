/**
 * `store_outbound(draft)`: stores an answer or first message in its conversation, which is locked by then, and tells the stream (`message.queued`). Returns
 * the time until which it waits, null where it goes now: whether `sendAt` has come is the database's to say, which will look for it.
 *
 * `lay_units(message, thread, answers, units, hosted, counted)`: gives a message its place in a thread, which remembers what a typed answer may mean (`answers`) until the next
 * message to it, and lays one unit and one outbox row per provider message. Where the provider counts (`counted`), what is no template takes its place in the reply window: in one
 * that an event was granted, while that is open, else in the channel's. On a hosted channel it is sent with this. A message that a visitor has seen in a
 * hosted chat keeps its place there, also when it goes on over another channel. Returns the message as readers get it.
 *
 * `unit_counted()`: a counted unit whose end is known waits no more; one that the provider cannot have taken gives its place back.
 */
export const REPLY = `
create function store_outbound(p jsonb) returns timestamptz language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  v_now timestamptz := clock_timestamp();
  v_later timestamptz := case when (p->>'sendAt')::timestamptz > v_now then (p->>'sendAt')::timestamptz end;
  c conversation;
  m message;
begin
  update conversation set message_sequence = message_sequence + 1, event_sequence = event_sequence + 1, updated_at = v_now
  where id = p->>'conversationId' returning * into c;
  insert into message (id, conversation_id, thread_id, account_id, sequence, thread_sequence, direction, author, parts, text, subject, reply_to, status, fallback,
    send_at, fallback_at, occurred_at, received_at)
  values (p->>'id', c.id, p->>'threadId', p->>'accountId', c.message_sequence, 0, 'outbound', p->'author', p->'parts', p->>'text', p->>'subject', p->>'replyTo', 'queued',
    p->'fallback', v_later, coalesce(v_later, v_now) + make_interval(secs => (p->>'fallbackAfterS')::float8), v_now, v_now)
  returning * into m;
  perform append_event('message.queued', c, c.contact_id, m.account_id, jsonb_build_object('message', message_view(m)), v_now);
  return v_later;
end
$$;

create function lay_units(p_message text, p_thread text, p_answers jsonb, p_units jsonb, p_hosted boolean, p_counted boolean) returns jsonb language plpgsql
set plan_cache_mode = force_generic_plan as $$
declare
  v_account text;
  v_granted int := 0;
  v_counted int := 0;
  v_count int := jsonb_array_length(p_units);
begin
  if p_counted then
    v_counted := (select count(*) from jsonb_array_elements(p_units) u where not u->'content'->'parts' @> '[{"type":"template"}]');
    select least(granted_left, v_counted) into v_granted from thread where id = p_thread and granted_until > clock_timestamp() for update;
    v_granted := coalesce(v_granted, 0);
  end if;
  with t as (
    update thread set sequence = sequence + 1, open_choices = p_answers, unsent = unsent + v_counted, granted_left = granted_left - v_granted,
      sent_since_inbound = sent_since_inbound + v_counted - v_granted
    where id = p_thread returning id, account_id, sequence),
  m as (
    update message m set thread_id = t.id, account_id = t.account_id, thread_sequence = t.sequence from t
    where m.id = p_message and not (m.thread_sequence > 0 and (select a.hosted from account a where a.id = m.account_id)))
  select t.account_id into v_account from t;

  if p_hosted then
    perform advance(p_message, 'sent', null, clock_timestamp());
  else
    insert into unit (id, message_id, account_id, thread_id, index, count, content, counted)
    select u->>'id', p_message, v_account, p_thread, (n - 1)::int, v_count, u->'content',
      case when p_counted and not u->'content'->'parts' @> '[{"type":"template"}]' then
        case when count(*) filter (where not u->'content'->'parts' @> '[{"type":"template"}]') over (order by n) <= v_granted then 'grant' else 'window' end end
    from jsonb_array_elements(p_units) with ordinality e(u, n);
    insert into outbox (partition, lane, kind, target_id, item_id)
    select lane_partition(v_account || ':' || p_thread), v_account || ':' || p_thread, 'unit', v_account, u->>'id'
    from jsonb_array_elements(p_units) with ordinality e(u, n) order by n;
  end if;
  return (select message_view(m) from message m where m.id = p_message);
end
$$;

create function unit_counted() returns trigger language plpgsql as $$
declare
  v_back int := case when new.status in ('queued', 'failed') and coalesce(new.failure->>'code', '') <> 'outcome-unknown' then 1 else 0 end;
begin
  update thread set unsent = unsent - 1,
    granted_left = granted_left + case old.counted when 'grant' then v_back else 0 end,
    sent_since_inbound = greatest(0, sent_since_inbound - case old.counted when 'window' then v_back else 0 end)
  where id = old.thread_id;
  new.counted := null;
  return new;
end
$$;
create trigger unit_counted before update of status, superseded on unit for each row
when (old.counted is not null and (new.status not in ('queued', 'started') or (new.superseded and new.status = 'queued'))) execute function unit_counted();
`;
