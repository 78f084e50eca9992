/**
 * `intake(items)`: a batch of inbound messages in one statement and one transaction: dedupe, identity, conversation and sequence, message, events
 * and outbox. Rows come back in the order of the items; `duplicate` ones name the message stored before.
 *
 * Locks are taken in one order everywhere (handles, contacts, conversations by id, lanes): the conversations that the batch is known to touch are
 * locked first, by id. What a concurrent transaction changes in between is seen by the next statement (read committed).
 *
 * `open_conversation(...)` chooses the conversation of a message (CONTRACT section 4): the thread's own open one, else by continuity the contact's latest
 * open one, else a closed one within the account's reopening time, else a new one. The contact's row is locked while choosing, so that two messages that
 * arrive together never make two.
 */
export const INTAKE = `
create function open_conversation(p_thread thread, p_continuity text, p_reopen_s int, p_subject text, p_at timestamptz,
  out conversation_id text, out opened text) language plpgsql as $$
begin
  select c.id into conversation_id from conversation c
  where c.id = p_thread.conversation_id and c.status <> 'closed' and c.contact_id = p_thread.contact_id for update;
  if found then return; end if;

  perform 1 from contact c where c.id = p_thread.contact_id for update;
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

create function join_thread(p_account text, p_external text, p_contact text, p_handles jsonb, p_at timestamptz, p_inbound boolean) returns thread language plpgsql as $$
declare t thread;
begin
  insert into thread (id, account_id, external_id, contact_id, handles, created_at, last_inbound_at)
  values (new_id('thr'), p_account, p_external, p_contact, p_handles, p_at, case when p_inbound then p_at end)
  on conflict (account_id, external_id) do update set
    contact_id = excluded.contact_id,
    handles = excluded.handles,
    last_inbound_at = case when p_inbound then greatest(thread.last_inbound_at, p_at) else thread.last_inbound_at end,
    sent_since_inbound = case when p_inbound then 0 else thread.sent_since_inbound end
  returning * into t;
  return t;
end
$$;

create function intake(p_items jsonb) returns table (ord int, item_id text, duplicate boolean, conversation_id text, thread_id text,
  thread_sequence int, contact_id text, stored_at text) language plpgsql as $$
#variable_conflict use_column
declare
  i record;
  a account;
  t thread;
  m message;
  who record;
  place record;
  v_blocked boolean;
  v_choice jsonb;
  v_inbound boolean;
  v_now timestamptz := clock_timestamp();
begin
  perform 1 from conversation c where c.id in (
    select th.conversation_id from jsonb_array_elements(p_items) x join thread th on th.account_id = x->>'accountId' and th.external_id = x->>'thread')
  order by c.id for update;

  for i in select n::int as ord, x as v from jsonb_array_elements(p_items) with ordinality e(x, n) order by n loop
    ord := i.ord;
    insert into inbox (account_id, dedupe_key, item_id, received_at)
    values (i.v->>'accountId', i.v->>'dedupeKey', i.v->>'id', v_now) on conflict do nothing;
    if not found then
      select b.item_id into item_id from inbox b where b.account_id = i.v->>'accountId' and b.dedupe_key = i.v->>'dedupeKey';
      select * into m from message x where x.id = item_id;
      duplicate := true; conversation_id := m.conversation_id; thread_id := m.thread_id; thread_sequence := m.thread_sequence;
      contact_id := null; stored_at := iso(m.received_at);
      return next;
      continue;
    end if;

    select * into a from account x where x.id = i.v->>'accountId';
    v_inbound := i.v->>'from' = 'contact';
    select * into who from resolve_contact(i.v->'handles', case when v_inbound then i.v->>'name' end, a.id, v_now);
    t := join_thread(a.id, i.v->>'thread', who.contact_id, i.v->'handles', v_now, v_inbound);
    select * into place from open_conversation(t, a.continuity, a.reopen_within_s, i.v->>'subject', v_now);
    select x.blocked into v_blocked from contact x where x.id = who.contact_id;

    v_choice := null;
    if t.open_choices is not null and v_inbound then
      v_choice := t.open_choices->'keys'->(i.v->>'choiceKey');
    end if;

    insert into conversation_thread (conversation_id, thread_id) values (place.conversation_id, t.id) on conflict do nothing;
    update thread x set sequence = x.sequence + 1, conversation_id = place.conversation_id where x.id = t.id returning x.sequence into thread_sequence;
    update conversation x set message_sequence = x.message_sequence + 1,
      last_thread_id = case when v_inbound then t.id else x.last_thread_id end, updated_at = v_now where x.id = place.conversation_id
    returning x.message_sequence into m.sequence;

    insert into message (id, conversation_id, thread_id, account_id, sequence, thread_sequence, direction, author, parts, text, subject, reply_to, status,
      automated, external_ids, client_key, occurred_at, received_at)
    values (i.v->>'id', place.conversation_id, t.id, a.id, m.sequence, thread_sequence,
      case when v_inbound then 'inbound' else 'outbound' end,
      case when v_inbound then jsonb_build_object('kind', 'contact', 'id', who.contact_id, 'name', coalesce(i.v->>'name', (select x.name from contact x where x.id = who.contact_id)))
           else jsonb_build_object('kind', 'agent', 'id', null, 'name', i.v->>'name') end,
      case when v_choice is not null then jsonb_build_array(v_choice) else i.v->'parts' end,
      coalesce(v_choice->>'label', i.v->>'text'), i.v->>'subject',
      (select r.message_id from external_ref r where r.account_id = a.id and r.external_id = i.v->>'replyTo'),
      case when v_inbound then 'received' else 'sent' end,
      coalesce((i.v->>'automated')::boolean, false),
      array(select jsonb_array_elements_text(i.v->'externalIds')), i.v->>'clientKey', coalesce((i.v->>'occurredAt')::timestamptz, v_now), v_now)
    returning * into m;
    insert into external_ref (account_id, external_id, message_id) select a.id, x, m.id from unnest(m.external_ids) x on conflict do nothing;
    update file f set message_id = m.id where f.id in (select p->>'fileId' from jsonb_array_elements(m.parts) p where p ? 'fileId');

    if not v_blocked then
      if who.created then perform emit('contact.created', null, who.contact_id, null, null, v_now); end if;
      if who.conflict is not null then perform note_conflict(who.conflict, v_now); end if;
      if place.opened is not null then perform emit(place.opened, place.conversation_id, who.contact_id, a.id, null, v_now); end if;
      perform emit(case when v_inbound then 'message.received' else 'message.sent' end, place.conversation_id, who.contact_id, a.id,
        jsonb_build_object('message', message_view(m)), v_now);
    end if;

    item_id := m.id; duplicate := false; conversation_id := place.conversation_id; thread_id := t.id;
    contact_id := who.contact_id; stored_at := iso(v_now);
    return next;
  end loop;
end
$$;

create function note_conflict(p_conflict jsonb, p_at timestamptz) returns void language plpgsql as $$
declare v_id text := new_id('cfl');
begin
  insert into contact_conflict (id, handle, contact_ids, created_at)
  values (v_id, p_conflict->'handle', array(select jsonb_array_elements_text(p_conflict->'contactIds')), p_at)
  on conflict (contact_ids, handle) where resolved_at is null do nothing;
  if found then
    perform emit('contact.conflict', null, p_conflict->'contactIds'->>0, null, jsonb_build_object('conflict', p_conflict || jsonb_build_object('id', v_id)), p_at);
  end if;
end
$$;
`;
