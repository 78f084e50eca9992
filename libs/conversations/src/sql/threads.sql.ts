/**
 * `join_thread(...)`: the provider's conversation, found or made, bound to the contact that this event resolved to, and counting `p_messages` more. Who
 * writes is not gone, whatever the time that their message says.
 *
 * `open_conversation(...)` chooses the conversation of a message (CONTRACT section 4): the thread's own open one, else by continuity the contact's latest
 * open one, else a closed one within the account's reopening time, else a new one. The contact's row is locked while choosing, so that two messages that
 * arrive together never make two. A blocked contact's closed conversation stays closed.
 */
export const THREADS = `
create function open_conversation(p_thread thread, p_continuity text, p_reopen_s int, p_subject text, p_at timestamptz,
  out conversation_id text, out opened text) language plpgsql as $$
declare person contact;
begin
  select c.id into conversation_id from conversation c
  where c.id = p_thread.conversation_id and c.status <> 'closed' and c.contact_id = p_thread.contact_id for update;
  if found then return; end if;

  select * into person from contact c where c.id = p_thread.contact_id for update;
  if not found or person.merged_into is not null or not exists ( -- erased, merged or parted while its row was waited for
    select 1 from jsonb_array_elements(p_thread.handles) x join handle h on h.scheme = x->>'scheme' and h.scope = coalesce(x->>'scope', '') and h.value = x->>'value'
    where h.contact_id = person.id) then
    raise exception 'the contact is another by now' using errcode = 'serialization_failure';
  end if;
  select c.id into conversation_id from conversation c
  where c.contact_id = p_thread.contact_id and c.status <> 'closed'
    and (c.id = (select t.conversation_id from thread t where t.id = p_thread.id) or (p_continuity = 'contact' and c.continuity <> 'thread'))
  order by c.id = p_thread.conversation_id desc nulls last, c.created_at desc limit 1 for update;
  if found then return; end if;

  select c.id into conversation_id from conversation c
  where c.contact_id = p_thread.contact_id and c.status = 'closed' and c.closed_at > p_at - make_interval(secs => p_reopen_s)
    and (c.id = p_thread.conversation_id or (p_continuity = 'contact' and c.continuity <> 'thread'))
  order by c.closed_at desc limit 1 for update;
  if found then
    if person.blocked then return; end if; -- nobody is told of it, so it stays closed
    update conversation set status = 'open', closed_at = null, updated_at = p_at where id = conversation_id;
    opened := 'conversation.reopened';
    return;
  end if;

  conversation_id := new_id('cnv');
  opened := 'conversation.opened';
  insert into conversation (id, contact_id, continuity, subject, created_at, updated_at)
  values (conversation_id, p_thread.contact_id, p_continuity, p_subject, p_at, p_at);
end
$$;

create function join_thread(p_account text, p_external text, p_contact text, p_handles jsonb, p_at timestamptz, p_inbound boolean, p_messages int default 0)
returns thread language plpgsql as $$
declare
  t thread;
  v_before text := (select o.contact_id from thread o where o.account_id = p_account and o.external_id = p_external);
begin
  insert into thread (id, account_id, external_id, contact_id, handles, sequence, created_at, last_inbound_at)
  values (new_id('thr'), p_account, p_external, p_contact, p_handles, p_messages, p_at, case when p_inbound then p_at end)
  on conflict (account_id, external_id) do update set
    contact_id = excluded.contact_id,
    home = case when thread.contact_id = excluded.contact_id then thread.home end,
    handles = excluded.handles,
    sequence = thread.sequence + p_messages,
    last_inbound_at = case when p_inbound then greatest(thread.last_inbound_at, p_at) else thread.last_inbound_at end,
    sent_since_inbound = case when p_inbound then thread.unsent else thread.sent_since_inbound end,
    refused_at = case when not p_inbound or thread.refused_for is null then thread.refused_at end
  returning * into t;
  if v_before <> p_contact then -- it is somebody else's now: no answer of theirs goes there, nor what was written to them
    perform part_conversations(array[v_before, p_contact]);
    select * into t from thread o where o.id = t.id;
  end if;
  return t;
end
$$;
`;
