/**
 * What is kept for a time of its own, a little at each call; each returns how many went, the bytes of files by `file_removal`.
 *
 * `prune_messages(conversation, seconds, limit)`: messages of a conversation that was closed so long ago and has none that is younger, with units, traces and files; its
 * events keep id, type and sequence, unless they still wait to be delivered. The conversation stays, and what is still to be sent in it, with its events.
 * `prune_files(seconds, limit)`: attachments of that age; their messages say that they are not there any more. Nothing is told to destinations.
 */
export const RETENTION = `
create index conversation_closed on conversation (closed_at) where closed_at is not null;
create index file_age on file (created_at) where storage_key is not null;

-- Whether a message waits: for its time, to be sent, or for the next way of sending it.
create function is_to_be_sent(m message) returns boolean language plpgsql stable as $$
begin
  return m.status = 'queued' or (m.fallback_at is not null and m.status <> 'failed')
    or exists (select 1 from unit u where u.message_id = m.id and u.status in ('queued', 'started') and not u.superseded);
end
$$;

create function prune_messages(p_conversation text, p_seconds float8, p_limit int) returns int language plpgsql as $$
declare
  v_before timestamptz := statement_timestamp() - make_interval(secs => p_seconds);
  v_messages text[];
begin
  perform 1 from conversation c where c.id = p_conversation and c.status = 'closed' and c.closed_at < v_before for update;
  if not found or exists (select 1 from message m where m.conversation_id = p_conversation and m.received_at >= v_before) then return 0; end if;
  v_messages := array(select m.id from message m where m.conversation_id = p_conversation and not is_to_be_sent(m) order by m.sequence limit p_limit);
  perform erase_files('{}', v_messages, clock_timestamp());
  delete from external_ref r using message m where m.id = any (v_messages) and r.account_id = m.account_id and r.external_id = any (m.external_ids);
  delete from external_ref r using unit u where u.message_id = any (v_messages) and r.account_id = u.account_id and r.external_id = any (u.external_ids);
  delete from trace t where t.message_id = any (v_messages);
  delete from unit u where u.message_id = any (v_messages);
  delete from message m where m.id = any (v_messages);
  update event e set data = null where e.conversation_id = p_conversation and e.data is not null and e.created_at < v_before
    and not exists (select 1 from destination d join outbox o on o.lane = d.id || ':' || e.conversation_id and o.item_id = e.id)
    and not exists (select 1 from message m where m.id = e.data->'message'->>'id' and is_to_be_sent(m));
  update conversation c set subject = null where c.id = p_conversation and c.subject is not null;
  return cardinality(v_messages);
end
$$;

create function prune_files(p_seconds float8, p_limit int) returns int language plpgsql as $$
declare
  f record;
  n int := 0;
begin
  for f in
    select x.id, x.message_id, x.storage_key from file x
    where x.storage_key is not null and x.message_id is not null and x.created_at < statement_timestamp() - make_interval(secs => p_seconds)
    order by x.created_at limit p_limit for update skip locked
  loop
    insert into file_removal (key, due_at) values (f.storage_key, clock_timestamp()) on conflict do nothing;
    update file x set state = 'unavailable', storage_key = null, sha256 = null, reason = 'attachments are not kept that long' where x.id = f.id;
    update message m set parts = (
      select jsonb_agg(case when p->>'fileId' = f.id then p || '{"state": "unavailable"}'
        when p->'media'->>'fileId' = f.id then jsonb_set(p, '{media,state}', '"unavailable"') else p end order by k)
      from jsonb_array_elements(m.parts) with ordinality x(p, k))
    where m.id = f.message_id or m.id in (select u.message_id from file_use u where u.file_id = f.id);
    n := n + 1;
  end loop;
  return n;
end
$$;
`;
