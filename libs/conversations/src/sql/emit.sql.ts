/**
 * `emit(...)`: the only way into the stream. Numbers the event within its conversation (whose row is locked by then) and appends it.
 * `append_event(...)`: the same for a conversation row that bears the number already: takes the snapshot, stores it, and lays one outbox row for
 * every destination whose filter admits it. Returns the event's position.
 *
 * A lane of the outbox is (target, conversation | contact | account) for events, (account, thread) for units; `lane_partition` says who delivers it.
 */
export const EMIT = `
create function lane_partition(lane text) returns smallint language sql immutable as $$
  select (('x' || substr(md5(lane), 1, 4))::bit(16)::int % 64)::smallint
$$;

create function admits(d destination, p_type text, p_account text, p_accounts text[], p_channels text[]) returns boolean language sql stable as $$
  select (d.filter_events is null or p_type like any (string_to_array(replace(array_to_string(d.filter_events, ','), '*', '%'), ',')))
    and (d.filter_accounts is null or case when p_account is not null then p_account = any (d.filter_accounts) else p_accounts && d.filter_accounts end)
    and (d.filter_channels is null or p_channels && d.filter_channels)
$$;

create function append_event(p_type text, c conversation, p_contact text, p_account text, p_data jsonb, p_at timestamptz) returns bigint language plpgsql as $$
declare
  v_id text := new_id('evt');
  v_position bigint;
  v_accounts text[];
  v_channels text[];
begin
  if c.id is not null then
    p_data := p_data || jsonb_build_object('conversation', conversation_view(c));
  end if;
  if p_contact is not null then
    p_data := p_data || jsonb_build_object('contact', contact_view(p_contact));
  end if;
  if p_account is not null then
    p_data := p_data || jsonb_build_object('account', account_view(p_account));
    v_channels := array[p_data->'account'->>'channel'];
  else
    if c.id is not null then
      select array_agg(t.account_id), array_agg(a.type) into v_accounts, v_channels
      from conversation_thread j join thread t on t.id = j.thread_id join account a on a.id = t.account_id where j.conversation_id = c.id;
    else -- a merge concerns both
      select array_agg(t.account_id), array_agg(a.type) into v_accounts, v_channels
      from thread t join account a on a.id = t.account_id where t.contact_id in (p_contact, p_data->'merge'->>'survivorId', p_data->'merge'->>'mergedId');
    end if;
  end if;
  insert into event (id, type, conversation_id, contact_id, account_id, sequence, data, created_at)
  values (v_id, p_type, c.id, p_contact, p_account, c.event_sequence, p_data, p_at)
  returning position into v_position;
  insert into outbox (partition, lane, kind, target_id, item_id)
  select lane_partition(l.lane), l.lane, 'event', l.id, v_id
  from (select d.id, d.id || ':' || coalesce(c.id, p_contact, p_account, 'none') as lane
    from destination d where d.removed_at is null and admits(d, p_type, p_account, v_accounts, v_channels)) l;
  return v_position;
end
$$;

create function emit(p_type text, p_conversation text, p_contact text, p_account text, p_extra jsonb, p_at timestamptz)
returns bigint language plpgsql as $$
declare
  c conversation;
begin
  if p_conversation is not null then
    update conversation set event_sequence = event_sequence + 1, updated_at = greatest(updated_at, p_at) where id = p_conversation returning * into c;
  end if;
  return append_event(p_type, c, p_contact, p_account, coalesce(p_extra, '{}'), p_at);
end
$$;
`;
