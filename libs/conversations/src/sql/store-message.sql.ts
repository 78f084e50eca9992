/**
 * What takes the slow way of intake, one by one: messages of new people, on new threads, with files or answers to choices (`store_message`), changes of messages,
 * consent, and handles that lead to several people.
 */
export const STORE_MESSAGE = `
create function store_message(i jsonb, p_now timestamptz) returns message language plpgsql as $$
declare
  a account;
  t thread;
  c conversation;
  m message;
  who record;
  place record;
  person contact;
  choice jsonb;
  data jsonb;
  inbound boolean := i->>'from' = 'contact';
begin
  if not inbound then -- what we sent may come back as the echo of an agent's own app
    select x.* into m from external_ref r join message x on x.id = r.message_id
    where r.account_id = i->>'accountId' and r.external_id in (select jsonb_array_elements_text(i->'externalIds')) and x.direction = 'outbound' limit 1;
    if found then
      update inbox b set item_id = m.id where b.account_id = i->>'accountId' and b.dedupe_key = i->>'dedupeKey';
      return m;
    end if;
  end if;
  select * into a from account where id = i->>'accountId';
  select * into who from resolve_contact(i->'handles', case when inbound then coalesce(i->>'group', i->>'name') end, a.id, p_now);
  if i ? 'crm' then perform apply_crm(who.contact_id, i->'crm', who.created, p_now); end if;
  select * into person from contact where id = who.contact_id;
  t := join_thread(a.id, i->>'thread', who.contact_id, i->'handles', least(p_now, (i->>'occurredAt')::timestamptz),
    inbound and not i ? 'window' and not coalesce((i->>'automated')::boolean, false), 1); -- what nobody wrote opens no reply window
  if i ? 'window' then perform grant_window(t.id, i, p_now); end if;
  select * into place from open_conversation(t, a.continuity, a.reopen_within_s, i->>'subject', p_now);
  if t.conversation_id is distinct from place.conversation_id then
    update thread set conversation_id = place.conversation_id where id = t.id;
    insert into conversation_thread (conversation_id, thread_id) values (place.conversation_id, t.id) on conflict do nothing;
  end if;
  if place.opened is null and not person.blocked and (select o.event_sequence = 0 from conversation o where o.id = place.conversation_id) then
    place.opened := 'conversation.opened'; -- by somebody who was blocked then
  end if;
  if i ? 'metadata' then
    update conversation set metadata = metadata || (i->'metadata') where id = place.conversation_id;
  end if;
  if person.view is null then
    perform 1 from contact where id = person.id for no key update; -- what is drawn is what stood when it was locked
    update contact set view = draw_contact(contact) where id = person.id and view is null;
  end if;
  if place.opened is not null then
    perform route_conversation(place.conversation_id, jsonb_build_object('account', a.id, 'language', i->'language', 'at', p_now));
  end if;
  update conversation set message_sequence = message_sequence + 1, updated_at = p_now, view = coalesce(view, draw_conversation(conversation)),
    event_sequence = event_sequence + case when person.blocked then 0 when place.opened is null then 1 else 2 end,
    last_thread_id = case when inbound then t.id else last_thread_id end
  where id = place.conversation_id returning * into c;
  if inbound and t.open_choices is not null then
    choice := t.open_choices->(i->>'choiceKey') || jsonb_build_object('typed', i->>'text');
  end if;

  insert into message (id, conversation_id, thread_id, account_id, sequence, thread_sequence, direction, author, parts, text, subject, reply_to, status,
    automated, external_ids, client_key, occurred_at, received_at, quoted)
  values (i->>'id', c.id, t.id, a.id, c.message_sequence, t.sequence,
    case when inbound then 'inbound' else 'outbound' end,
    case when inbound then jsonb_build_object('kind', 'contact', 'id', person.id, 'name', coalesce(i->>'name', person.name))
           || case when i ? 'member' then jsonb_build_object('member', i->'member') else '{}' end
         else jsonb_build_object('kind', 'agent', 'id', null, 'name', i->>'name', 'via', 'channel') end,
    case when choice is not null then jsonb_build_array(choice) else i->'parts' end,
    coalesce(choice->>'label', i->>'text'), i->>'subject',
    case when i ? 'replyTo' then (
      select r.message_id from external_ref r join message x on x.id = r.message_id join conversation o on o.id = x.conversation_id
      where r.account_id = a.id and r.external_id = i->>'replyTo' and o.contact_id = t.contact_id) end,
    case when inbound then 'received' else 'sent' end, coalesce((i->>'automated')::boolean, false),
    array(select jsonb_array_elements_text(i->'externalIds')), i->>'clientKey', coalesce((i->>'occurredAt')::timestamptz, p_now), p_now, i->>'quoted')
  returning * into m;
  if m.external_ids <> '{}' then
    insert into external_ref (account_id, external_id, message_id) select a.id, x, m.id from unnest(m.external_ids) x on conflict do nothing;
  end if;
  if i->'files' <> '[]' or m.parts @> '[{"type": "media"}]' then
    update file f set message_id = m.id from jsonb_array_elements(m.parts) p where f.id = p->>'fileId' and f.message_id is null;
  end if;
  if i->'files' <> '[]' then
    insert into file (id, mime_type, bytes, name, state, account_id, message_id, ref, due_at)
    select f->>'id', f->>'mimeType', (f->>'bytes')::bigint, f->>'name', 'pending', a.id, m.id, f->>'ref', p_now
    from jsonb_array_elements(i->'files') f;
  end if;

  if not person.blocked then
    if who.created then perform emit('contact.created', null, person.id, null, null, p_now); end if;
    perform note_conflict(x, p_now) from jsonb_array_elements(who.conflicts) x;
    if place.opened is not null then
      c.event_sequence := c.event_sequence - 1;
      perform append_event(place.opened, c, person.id, a.id, '{}', p_now);
      c.event_sequence := c.event_sequence + 1;
    end if;
    data := jsonb_build_object('message', message_view(m));
    perform append_event(case when inbound then 'message.received' else 'message.sent' end, c, person.id, a.id, data, p_now);
  end if;
  return m;
end
$$;

create function change_message(i jsonb, p_now timestamptz) returns text language plpgsql as $$
declare
  m message;
  v_contact text;
  v_blocked boolean;
begin
  select x.* into m from external_ref r join message x on x.id = r.message_id where r.account_id = i->>'accountId' and r.external_id = i->>'externalId';
  if not found then return null; end if;
  select contact_id into v_contact from conversation where id = m.conversation_id for update;
  if i->>'kind' = 'edited' then
    update message set parts = i->'parts', text = i->>'text' where id = m.id returning * into m;
  elsif i->>'kind' = 'deleted' then
    update message set deleted_at = p_now where id = m.id returning * into m;
  end if;
  select c.blocked into v_blocked from contact c where c.id = v_contact;
  if not v_blocked then
    perform emit('message.' || (i->>'kind'), m.conversation_id, v_contact, m.account_id,
      jsonb_strip_nulls(jsonb_build_object('message', message_view(m), 'reaction', i->'reaction')), p_now);
  end if;
  return m.id;
end
$$;

create function note_consent(i jsonb, p_now timestamptz) returns text language plpgsql as $$
declare
  who record;
  v_contact text := (select o.contact_id from thread o where o.account_id = i->>'accountId' and o.external_id = i->>'thread');
  t thread;
begin
  if v_contact is null then
    select * into who from resolve_contact(i->'handles', i->>'name', i->>'accountId', p_now);
    v_contact := who.contact_id;
    if who.created then perform emit('contact.created', null, v_contact, null, null, p_now); end if;
  end if;
  perform 1 from contact c where c.id = v_contact for key share;
  if not found then raise exception 'the contact was erased meanwhile' using errcode = 'serialization_failure'; end if;
  insert into thread (id, account_id, external_id, contact_id, handles, created_at)
  values (new_id('thr'), i->>'accountId', i->>'thread', v_contact, i->'handles', p_now) on conflict (account_id, external_id) do nothing;
  update thread set opted_out_at = case when i->>'kind' = 'opted-out' and not i ? 'untilWritten' then p_now end,
    refused_for = null, refused_at = case when i->>'kind' = 'opted-out' and i ? 'untilWritten' then least(p_now, (i->>'occurredAt')::timestamptz + interval '1 s') end -- providers tell whole seconds
  where account_id = i->>'accountId' and external_id = i->>'thread' returning * into t; -- it stays whose it is: others tell of it, too
  if i ? 'window' then perform grant_window(t.id, i, p_now); end if;
  perform emit('contact.' || (i->>'kind'), null, t.contact_id, i->>'accountId', jsonb_strip_nulls(jsonb_build_object('reason', i->'reason')), p_now);
  return null;
end
$$;

create function grant_window(p_thread text, i jsonb, p_now timestamptz) returns void language sql as $$
  update thread set granted_left = (i->'window'->'messages')::int,
    granted_until = least(p_now, (i->>'occurredAt')::timestamptz) + make_interval(secs => (i->'window'->'seconds')::float8)
  where id = p_thread
$$;

create function note_conflict(p_conflict jsonb, p_at timestamptz) returns void language plpgsql as $$
declare v_id text := new_id('cfl');
begin
  insert into contact_conflict (id, handle, contact_ids, created_at)
  select v_id, p_conflict->'handle', x.ids, p_at from (select array(select jsonb_array_elements_text(p_conflict->'contactIds')) as ids) x
  where not exists ( -- a person said so already
    select 1 from contact_conflict f where f.resolution = 'kept' and f.contact_ids = x.ids and (f.handle - 'proof') = ((p_conflict->'handle') - 'proof'))
  on conflict (contact_ids, handle) where resolved_at is null do nothing;
  if found then
    perform emit('contact.conflict', null, p_conflict->'contactIds'->>0, null, jsonb_build_object('conflict', p_conflict || jsonb_build_object('id', v_id)), p_at);
  end if;
end
$$;
`;
