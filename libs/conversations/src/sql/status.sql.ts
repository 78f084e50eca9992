/**
 * `status_rank(status, code)`: the lattice of CONTRACT section 3; a status only ever moves up in it.
 * `advance(message, status, failure, at)`: moves a message up and tells the stream; does nothing where it stands as high already.
 * `fail_message(...)`: a way of sending failed for good: the next fallback is due, or the message has failed.
 * `acknowledge(thread, delivered, read)`: a hosted browser holds, or shows, everything of its thread up to these places.
 * `settle_unit(...)`: what became of one unit; its message is `failed` if any unit failed, else stands at its lowest unit.
 * `refused_by(unit, failure)`: the provider says that the person does not want to be written to, as it was told and we were not, or that there is none (`lasting`): the thread is closed until they
 * write again, or take messages again, and for 30 days at most, since block lists forget and nobody tells (`is_refused`). Nothing is closed by what was sent
 * before they wrote last.
 * `arrived_after_all(...)`: a way that was left behind has delivered: what is not sent yet of the next way is withdrawn.
 * `receive_receipt(...)`: a provider's receipt, matched by external id or by the id of our unit; one that comes before its message is known is kept for
 * it. `external_id_lock` makes a receipt and the settling that it belongs to see each other.
 */
export const STATUS = `
create function status_rank(p_status text, p_code text default null) returns int language sql immutable as $$
  select case p_status when 'received' then 0 when 'queued' then 1 when 'started' then 1 when 'sent' then 2
    when 'failed' then case when p_code = 'outcome-unknown' then 3 else 5 end when 'delivered' then 4 when 'read' then 6 end
$$;

create function advance(p_message text, p_status text, p_failure jsonb, p_at timestamptz) returns boolean language plpgsql as $$
declare
  m message;
  v_contact text;
begin
  select * into m from message where id = p_message;
  if not found then return false; end if;
  perform 1 from conversation c where c.id = m.conversation_id for update;
  select * into m from message where id = p_message for update;
  if status_rank(p_status, p_failure->>'code') <= status_rank(m.status, m.failure->>'code') then return false; end if;
  update message set status = p_status, failure = case when p_status = 'failed' then p_failure end where id = p_message returning * into m;
  select contact_id into v_contact from conversation where id = m.conversation_id;
  perform emit('message.' || p_status, m.conversation_id, v_contact, m.account_id, jsonb_build_object('message', message_view(m)), p_at);
  return true;
end
$$;

create function fail_message(p_message text, p_failure jsonb, p_at timestamptz) returns void language plpgsql as $$
begin
  update message set fallback_at = p_at where id = p_message and jsonb_array_length(fallback) > 0 and status in ('queued', 'sent');
  if not found then
    perform advance(p_message, 'failed', p_failure, p_at);
  end if;
end
$$;

create function acknowledge(p_thread text, p_delivered int, p_read int) returns void language plpgsql as $$
declare
  seen int;
  t thread;
  r record;
begin
  perform 1 from conversation c where c.id in (select j.conversation_id from conversation_thread j where j.thread_id = p_thread) order by c.id for update;
  select read_to into seen from thread where id = p_thread for update;
  update thread set delivered_to = greatest(delivered_to, least(greatest(p_delivered, p_read), sequence)), read_to = greatest(read_to, least(p_read, sequence))
  where id = p_thread returning * into t;
  for r in
    select m.id, m.thread_sequence <= t.read_to as read from message m
    where m.thread_id = p_thread and m.direction = 'outbound' and m.thread_sequence > seen and m.thread_sequence <= t.delivered_to
      and status_rank(m.status, m.failure->>'code') < case when m.thread_sequence <= t.read_to then 6 else 4 end
    order by m.thread_sequence
  loop
    perform advance(r.id, 'delivered', null, clock_timestamp());
    if r.read then perform advance(r.id, 'read', null, clock_timestamp()); end if;
  end loop;
end
$$;

create function external_id_lock(p_account text, p_external_id text) returns void language sql as $$
  select pg_advisory_xact_lock(hashtextextended(p_account || ':' || p_external_id, 11))
$$;

create function is_refused(t thread) returns boolean language sql stable as $$
  select t.opted_out_at is not null or coalesce(t.refused_at > greatest(t.last_inbound_at, statement_timestamp() - interval '30 days'), false)
$$;

create function refused_by(u unit, p_failure jsonb, p_at timestamptz) returns void language plpgsql as $$
declare r thread;
begin
  perform 1 from conversation c join message m on m.conversation_id = c.id where m.id = u.message_id for update of c;
  update thread t set refused_at = p_at, refused_for = nullif(p_failure->>'code', 'opted-out')
  where t.account_id = u.account_id and (t.id = u.thread_id or t.external_id = u.content->'thread'->>'externalId') and not is_refused(t)
    and coalesce(t.last_inbound_at <= u.updated_at, true) returning * into r;
  if found and r.refused_for is null then
    perform emit('contact.opted-out', null, r.contact_id, r.account_id, jsonb_build_object('reason', p_failure->>'message'), p_at);
  end if;
end
$$;

create function settle_unit(p_unit text, p_status text, p_external_ids text[], p_failure jsonb, p_at timestamptz) returns text language plpgsql as $$
declare
  u unit;
  worst record;
  r record;
  v_closes boolean;
begin
  select * into u from unit where id = p_unit;
  if not found then return null; end if;
  v_closes := p_status = 'failed' and (p_failure ? 'lasting' or p_failure->>'code' = 'opted-out' and (p_failure ? 'providerCode' or u.expires_at is not null));
  if u.expires_at is not null then
    if v_closes then perform refused_by(u, p_failure, p_at); end if;
    perform forget_notice(u, p_external_ids);
    return null;
  end if;
  perform 1 from conversation c join message m on m.conversation_id = c.id where m.id = u.message_id for update of c;
  select * into u from unit where id = p_unit for update;
  if status_rank(p_status, p_failure->>'code') > status_rank(u.status, u.failure->>'code') then
    if v_closes then perform refused_by(u, p_failure, p_at); end if;
    update unit set status = p_status, failure = case when p_status = 'failed' then p_failure end, updated_at = p_at,
      external_ids = external_ids || coalesce(p_external_ids, '{}') where id = p_unit;
  end if;
  if p_external_ids <> '{}' then
    perform external_id_lock(u.account_id, x) from unnest(p_external_ids) x order by x;
    update message set external_ids = external_ids || p_external_ids where id = u.message_id;
    insert into external_ref (account_id, external_id, message_id, unit_id)
    select u.account_id, x, u.message_id, u.id from unnest(p_external_ids) x on conflict do nothing;
  end if;
  if u.superseded then
    if p_status in ('delivered', 'read') then perform arrived_after_all(u.message_id, p_status, p_at); end if;
  else
    select x.status, x.failure into worst from unit x where x.message_id = u.message_id and not x.superseded
    order by x.status = 'failed' desc, status_rank(x.status, x.failure->>'code') desc limit 1;
    if worst.status <> 'failed' then
      select x.status, x.failure into worst from unit x where x.message_id = u.message_id and not x.superseded order by status_rank(x.status) limit 1;
    end if;
    if worst.status = 'failed' then
      perform fail_message(u.message_id, worst.failure, p_at);
    elsif worst.status in ('sent', 'delivered', 'read') then
      perform advance(u.message_id, worst.status, worst.failure, p_at);
    end if;
  end if;
  if p_external_ids <> '{}' then
    for r in delete from early_receipt e where e.account_id = u.account_id and e.external_id = any (p_external_ids) returning e.receipt loop
      perform settle_unit(p_unit, r.receipt->>'status', '{}', r.receipt->'failure', p_at);
    end loop;
  end if;
  return u.message_id;
end
$$;

create function arrived_after_all(p_message text, p_status text, p_at timestamptz) returns void language plpgsql as $$
begin
  with withdrawn as (
    update unit set superseded = true where message_id = p_message and status = 'queued' and not superseded returning id)
  delete from outbox o using withdrawn w where o.kind = 'unit' and o.item_id = w.id;
  update message set fallback = null, fallback_at = null where id = p_message;
  perform advance(p_message, p_status, null, p_at);
end
$$;

create function receive_receipt(p_account text, p_receipt jsonb, p_now timestamptz) returns text language plpgsql as $$
declare
  v_message text;
  v_unit text;
begin
  select r.message_id, r.unit_id into v_message, v_unit from external_ref r where r.account_id = p_account and r.external_id = p_receipt->>'externalId';
  if not found then -- it may be on its way in: only who looks for it locks its name, for whoever settles has the conversation by then
    perform external_id_lock(p_account, p_receipt->>'externalId');
    select r.message_id, r.unit_id into v_message, v_unit from external_ref r where r.account_id = p_account and r.external_id = p_receipt->>'externalId';
  end if;
  if v_message is null then
    select u.message_id, u.id into v_message, v_unit from unit u
    where u.id = p_receipt->>'externalId' and u.account_id = p_account and u.expires_at is null;
  end if;
  if v_message is null then
    insert into early_receipt (account_id, external_id, receipt) values (p_account, p_receipt->>'externalId', p_receipt);
  elsif v_unit is not null then
    perform settle_unit(v_unit, p_receipt->>'status', '{}', p_receipt->'failure', p_now);
  elsif exists (select 1 from message m where m.id = v_message and m.direction = 'outbound') then
    perform advance(v_message, p_receipt->>'status', p_receipt->'failure', p_now);
  else
    return null;
  end if;
  return v_message;
end
$$;
`;
