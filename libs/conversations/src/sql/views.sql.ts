/**
 * Functions that render rows as the stream shows them (CONTRACT section 3), and `iso()`, the one form of time. What looks into other tables is PL/pgSQL, which
 * keeps its plans; what does not is SQL, which is inlined.
 *
 * What a conversation shows besides its times is kept beside it (`conversation.view`), as `contact_view` says of contacts: null until somebody draws it anew.
 */
export const VIEWS = `
create function iso(t timestamptz) returns text language sql stable as $$
  select to_char(t at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

create function draw_conversation(c conversation) returns jsonb language plpgsql stable as $$
begin
  return jsonb_build_object(
    'id', c.id, 'status', c.status, 'subject', c.subject, 'priority', c.priority, 'queue', c.queue, 'tags', to_jsonb(c.tags), 'metadata', c.metadata,
    'contactId', c.contact_id,
    'threads', (
      select coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'accountId', t.account_id, 'channel', a.type) order by j.added_at, t.id), '[]')
      from conversation_thread j join thread t on t.id = j.thread_id left join account a on a.id = t.account_id where j.conversation_id = c.id),
    'references', (
      select coalesce(jsonb_agg(jsonb_build_object('destinationId', r.destination_id, 'ticketId', r.ticket_id, 'url', r.url) order by r.updated_at), '[]')
      from reference r where r.conversation_id = c.id),
    'createdAt', iso(c.created_at));
end
$$;

create function conversation_view(c conversation) returns jsonb language sql stable as $$
  select coalesce(c.view, draw_conversation(c)) || jsonb_build_object('updatedAt', iso(c.updated_at))
$$;

create function conversation_changed() returns trigger language plpgsql as $$
begin
  new.view := null;
  return new;
end
$$;
create trigger conversation_changed before update of contact_id, status, subject, priority, queue, tags, metadata on conversation
for each row execute function conversation_changed();

create function conversation_surroundings_changed() returns trigger language plpgsql as $$
begin
  perform 1 from conversation where id in (old.conversation_id, new.conversation_id) order by id for no key update; -- whoever draws it now is waited for
  update conversation set view = null where id in (old.conversation_id, new.conversation_id) and view is not null;
  return null;
end
$$;
create trigger conversation_thread_changed after insert or update or delete on conversation_thread
for each row execute function conversation_surroundings_changed();
create function account_changed() returns trigger language plpgsql as $$
begin
  perform 1 from conversation c where c.view is not null
    and c.id in (select j.conversation_id from conversation_thread j join thread t on t.id = j.thread_id where t.account_id = new.id)
  order by c.id for no key update;
  update conversation c set view = null from conversation_thread j join thread t on t.id = j.thread_id
  where t.account_id = new.id and c.id = j.conversation_id and c.view is not null;
  return null;
end
$$;
create trigger account_changed after update of type on account for each row when (old.type <> new.type) execute function account_changed();
create trigger reference_changed after insert or update or delete on reference
for each row execute function conversation_surroundings_changed();

create function message_view(m message) returns jsonb language sql stable as $$
  select jsonb_build_object(
    'id', m.id, 'conversationId', m.conversation_id, 'threadId', m.thread_id, 'sequence', m.sequence, 'direction', m.direction,
    'author', m.author, 'parts', m.parts, 'text', m.text, 'subject', m.subject, 'quoted', m.quoted, 'replyTo', m.reply_to, 'status', m.status,
    'failure', m.failure, 'automated', m.automated, 'occurredAt', iso(m.occurred_at), 'receivedAt', iso(m.received_at),
    'sendAt', iso(m.send_at), 'externalIds', to_jsonb(m.external_ids))
$$;

create function account_view(p_id text) returns jsonb language plpgsql stable as $$
begin
  return (select jsonb_build_object('id', a.id, 'channel', a.type, 'name', a.name) from account a where a.id = p_id);
end
$$;
`;
