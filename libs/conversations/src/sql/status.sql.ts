/**
 * `status_rank(status, code)`: the lattice of CONTRACT section 3; a status only ever moves up in it.
 * `advance(message, status, failure, at)`: moves a message up and tells the stream; does nothing where it stands as high already.
 * `settle_unit(...)`: what became of one unit; its message is `failed` if any unit failed, else stands at its lowest unit.
 * `receive_receipts(items)`: receipts of a provider, matched by external id; one that comes before its message is known is kept for it.
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

create function settle_unit(p_unit text, p_status text, p_external_ids text[], p_failure jsonb, p_at timestamptz) returns text language plpgsql as $$
declare
  u unit;
  worst record;
  r record;
begin
  select * into u from unit where id = p_unit;
  if not found then return null; end if;
  perform 1 from conversation c join message m on m.conversation_id = c.id where m.id = u.message_id for update of c;
  select * into u from unit where id = p_unit for update;
  if status_rank(p_status, p_failure->>'code') > status_rank(u.status, u.failure->>'code') then
    update unit set status = p_status, failure = case when p_status = 'failed' then p_failure end, updated_at = p_at,
      external_ids = external_ids || coalesce(p_external_ids, '{}') where id = p_unit;
  end if;
  if p_external_ids <> '{}' then
    update message set external_ids = external_ids || p_external_ids where id = u.message_id;
    insert into external_ref (account_id, external_id, message_id, unit_id)
    select u.account_id, x, u.message_id, u.id from unnest(p_external_ids) x on conflict do nothing;
  end if;
  select x.status, x.failure into worst from unit x where x.message_id = u.message_id
  order by x.status = 'failed' desc, status_rank(x.status, x.failure->>'code') desc limit 1;
  if worst.status <> 'failed' then
    select x.status, x.failure into worst from unit x where x.message_id = u.message_id order by status_rank(x.status) limit 1;
  end if;
  if worst.status in ('sent', 'delivered', 'read', 'failed') then
    perform advance(u.message_id, worst.status, worst.failure, p_at);
  end if;
  if p_external_ids <> '{}' then
    for r in delete from early_receipt e where e.account_id = u.account_id and e.external_id = any (p_external_ids) returning e.receipt loop
      perform settle_unit(p_unit, r.receipt->>'status', '{}', r.receipt->'failure', p_at);
    end loop;
  end if;
  return u.message_id;
end
$$;

create function receive_receipt(p_account text, p_receipt jsonb) returns text language plpgsql as $$
declare
  ref external_ref;
  v_now timestamptz := clock_timestamp();
begin
  insert into inbox (account_id, dedupe_key, received_at) values (p_account, p_receipt->>'dedupeKey', v_now) on conflict do nothing;
  if not found then return null; end if;
  select * into ref from external_ref r where r.account_id = p_account and r.external_id = p_receipt->>'externalId';
  if not found then
    insert into early_receipt (account_id, external_id, receipt) values (p_account, p_receipt->>'externalId', p_receipt);
    return null;
  end if;
  if ref.unit_id is null then
    perform advance(ref.message_id, p_receipt->>'status', p_receipt->'failure', v_now);
  else
    perform settle_unit(ref.unit_id, p_receipt->>'status', '{}', p_receipt->'failure', v_now);
  end if;
  return ref.message_id;
end
$$;
`;
