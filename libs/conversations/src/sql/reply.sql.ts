/**
 * `store_outbound(draft)`: stores an answer or first message in its conversation, which is locked by then, and tells the stream (`message.queued`). Returns
 * the time until which it waits, null where it goes now: whether `sendAt` has come is the database's to say, which will look for it.
 *
 * `lay_units(message, thread, answers, units, hosted)`: gives a message its place in a thread, which remembers what a typed answer may mean (`answers`) until the next
 * message to it, and lays one unit and one outbox row per provider message. What is no template uses the reply window up. On a hosted channel it is sent with this. A message that a visitor has seen in a
 * hosted chat keeps its place there, also when it goes on over another channel. Returns the message as readers get it.
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
  insert into message (id, conversation_id, thread_id, account_id, sequence, thread_sequence, direction, author, parts, text, reply_to, status, fallback,
    send_at, fallback_at, occurred_at, received_at)
  values (p->>'id', c.id, p->>'threadId', p->>'accountId', c.message_sequence, 0, 'outbound', p->'author', p->'parts', p->>'text', p->>'replyTo', 'queued',
    p->'fallback', v_later, coalesce(v_later, v_now) + make_interval(secs => (p->>'fallbackAfterS')::float8), v_now, v_now)
  returning * into m;
  perform append_event('message.queued', c, c.contact_id, m.account_id, jsonb_build_object('message', message_view(m)), v_now);
  return v_later;
end
$$;

create function lay_units(p_message text, p_thread text, p_answers jsonb, p_units jsonb, p_hosted boolean) returns jsonb language plpgsql
set plan_cache_mode = force_generic_plan as $$
declare
  v_account text;
  v_count int := jsonb_array_length(p_units);
begin
  with t as (
    update thread set sequence = sequence + 1, open_choices = p_answers,
      sent_since_inbound = sent_since_inbound + (select count(*) from jsonb_array_elements(p_units) u where not u->'content'->'parts' @> '[{"type":"template"}]')
    where id = p_thread returning id, account_id, sequence),
  m as (
    update message m set thread_id = t.id, account_id = t.account_id, thread_sequence = t.sequence from t
    where m.id = p_message and not (m.thread_sequence > 0 and (select a.hosted from account a where a.id = m.account_id)))
  select t.account_id into v_account from t;

  if p_hosted then
    perform advance(p_message, 'sent', null, clock_timestamp());
  else
    insert into unit (id, message_id, account_id, thread_id, index, count, content)
    select u->>'id', p_message, v_account, p_thread, (n - 1)::int, v_count, u->'content' from jsonb_array_elements(p_units) with ordinality e(u, n);
    insert into outbox (partition, lane, kind, target_id, item_id)
    select lane_partition(v_account || ':' || p_thread), v_account || ':' || p_thread, 'unit', v_account, u->>'id'
    from jsonb_array_elements(p_units) with ordinality e(u, n) order by n;
  end if;
  return (select message_view(m) from message m where m.id = p_message);
end
$$;
`;
