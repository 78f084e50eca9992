/**
 * `lay_notice(id, account, to, units, expires, wanted)`: puts a provider message on its way that belongs to no conversation, such as a one-time code: no contact,
 * thread, message or event is made of it. `to` is the handle that it goes to. Nothing is laid where it is not `wanted`, or where this person does not want to be
 * written to over this account.
 *
 * `forget_notice(unit, external_ids)`: nobody waits for the end of a notice, so nothing is kept of it but the provider's names, by which its receipts are known.
 */
export const NOTICE = `
create function lay_notice(p_id text, p_account text, p_to jsonb, p_units jsonb, p_expires timestamptz, p_wanted boolean) returns void language plpgsql as $$
declare
  v_lane text := p_account || ':notice:' || (p_to->>'value');
  v_thread jsonb := jsonb_build_object('id', p_id, 'externalId', p_to->>'value', 'handles', jsonb_build_array(p_to));
  v_opted_out boolean := exists (select 1 from thread t where t.account_id = p_account and t.external_id = p_to->>'value' and is_refused(t));
begin
  insert into unit (id, message_id, account_id, thread_id, index, count, content, expires_at)
  select u->>'id', p_id, p_account, '', (n - 1)::int, jsonb_array_length(p_units), (u->'content') || jsonb_build_object('notice', true, 'thread', v_thread), p_expires
  from jsonb_array_elements(p_units) with ordinality e(u, n) where p_wanted and not v_opted_out;
  insert into outbox (partition, lane, kind, target_id, item_id)
  select lane_partition(v_lane), v_lane, 'unit', p_account, u->>'id'
  from jsonb_array_elements(p_units) with ordinality e(u, n) where p_wanted and not v_opted_out order by n;
end
$$;

create function forget_notice(u unit, p_external_ids text[]) returns void language plpgsql as $$
declare
  v_names text[] := p_external_ids || u.id;
begin
  perform external_id_lock(u.account_id, x) from unnest(v_names) x order by x;
  delete from unit where id = u.id;
  insert into external_ref (account_id, external_id, message_id) select u.account_id, x, u.message_id from unnest(v_names) x on conflict do nothing;
  delete from early_receipt e where e.account_id = u.account_id and e.external_id = any (v_names);
end
$$;
`;
