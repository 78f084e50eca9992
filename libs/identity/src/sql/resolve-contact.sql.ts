/**
 * `resolve_contact(handles, name, account, at)`: the contact of a sender, found or made, by the proof that this event carries.
 *
 * Proven handles (`channel`, `verified`) belong to exactly one contact: the first one that is known decides, the unknown ones are
 * attached to that contact, and one that leads elsewhere joins both where the policy allows it (`may_join`), else it is reported in `conflicts`. Whom the company's own software identifies (`client`) is never
 * taken for another client of the same application (`is_another`), whatever else they share. A sender without any proven
 * handle is a separate contact of that account and address. `created` tells whether the contact is new. Concurrent calls
 * for the same new person make one contact: the unique indexes decide, and the loser reads what the winner wrote.
 */
export const RESOLVE_CONTACT = `
create function is_another(p_contact text, p_handles jsonb) returns boolean language plpgsql stable as $$
begin
  return exists (
    select 1 from jsonb_array_elements(p_handles) x join handle k on k.contact_id = p_contact and k.scheme = 'client' and k.proof <> 'claimed'
      and k.scope = coalesce(x->>'scope', '')
    where x->>'scheme' = 'client' and x->>'proof' <> 'claimed'
    group by x having not bool_or(k.value = x->>'value'));
end
$$;

create function resolve_contact(p_handles jsonb, p_name text, p_account text, p_at timestamptz,
  out contact_id text, out created boolean, out conflicts jsonb) language plpgsql as $$
declare
  h record;
  owner text;
  survivor text;
  person contact;
  proofs text[] := array(select x->>'proof' from jsonb_array_elements(p_handles) x where x->>'proof' <> 'claimed');
  has_proof boolean := proofs <> '{}';
begin
  created := false;
  if jsonb_array_length(p_handles) = 1 and p_handles->0->>'proof' = 'channel' then -- the usual case: one handle, known
    select k.contact_id into contact_id from handle k
    where k.scheme = p_handles->0->>'scheme' and k.scope = coalesce(p_handles->0->>'scope', '') and k.value = p_handles->0->>'value' and k.proof <> 'claimed';
    if found then return; end if;
  end if;
  select k.contact_id into contact_id
  from jsonb_array_elements(p_handles) with ordinality x(v, n)
  join handle k on k.scheme = v->>'scheme' and k.scope = coalesce(v->>'scope', '') and k.value = v->>'value'
  where case when has_proof then v->>'proof' <> 'claimed' and k.proof <> 'claimed'
             else k.proof = 'claimed' and k.claimed_on = p_account end
    and not is_another(k.contact_id, p_handles)
  order by n limit 1;

  for h in
    select v->>'scheme' scheme, coalesce(v->>'scope', '') scope, v->>'value' value, v->>'proof' proof,
      coalesce(v->>'source', case when v->>'proof' = 'verified' then 'token:' else 'account:' end || p_account) as source
    from jsonb_array_elements(p_handles) with ordinality x(v, n) order by v->>'proof' = 'claimed', n
  loop
    if contact_id is null then
      contact_id := new_id('con');
      created := true;
    end if;
    if h.proof = 'claimed' then
      if has_proof then
        insert into handle (id, contact_id, scheme, scope, value, proof, source, created_at)
        select new_id('hdl'), resolve_contact.contact_id, h.scheme, h.scope, h.value, 'claimed', 'account:' || p_account, p_at
        where not exists (select 1 from handle k where k.contact_id = resolve_contact.contact_id and k.scheme = h.scheme and k.scope = h.scope and k.value = h.value);
        continue;
      end if;
      insert into handle (id, contact_id, scheme, scope, value, proof, claimed_on, source, created_at)
      values (new_id('hdl'), contact_id, h.scheme, h.scope, h.value, 'claimed', p_account, 'account:' || p_account, p_at)
      on conflict (scheme, scope, value, claimed_on) where proof = 'claimed' and claimed_on is not null do nothing;
      select k.contact_id into owner from handle k
      where k.scheme = h.scheme and k.scope = h.scope and k.value = h.value and k.proof = 'claimed' and k.claimed_on = p_account;
    else
      select k.contact_id into owner from handle k
      where k.scheme = h.scheme and k.scope = h.scope and k.value = h.value and k.proof <> 'claimed';
      if not found then
        insert into handle (id, contact_id, scheme, scope, value, proof, source, created_at, proven_at)
        values (new_id('hdl'), contact_id, h.scheme, h.scope, h.value, h.proof, h.source, p_at, p_at)
        on conflict (scheme, scope, value) where proof <> 'claimed' do nothing;
        select k.contact_id into owner from handle k
        where k.scheme = h.scheme and k.scope = h.scope and k.value = h.value and k.proof <> 'claimed';
      elsif h.proof = 'verified' then
        update handle k set proof = 'verified', source = h.source, proven_at = p_at
        where k.scheme = h.scheme and k.scope = h.scope and k.value = h.value and k.proof = 'channel';
      end if;
    end if;
    if owner <> contact_id and (has_proof or created) then -- who only claims joins nobody
      if created and not is_another(owner, p_handles) then -- somebody else made this person at the same moment: theirs stands
        update handle k set contact_id = owner where k.contact_id = resolve_contact.contact_id;
        contact_id := owner;
        created := false;
      elsif not created and may_join(contact_id, owner, proofs) then
        if not pg_try_advisory_xact_lock(hashtextextended('merge', 5)) then -- others are merged now, or erased: nobody else in the batch waits for that
          raise exception 'other people are being merged' using errcode = 'lock_not_available';
        end if;
        survivor := survivor_of(contact_id, owner);
        perform merge_contacts(survivor, case when survivor = owner then resolve_contact.contact_id else owner end, 'proven', 'account:' || p_account, p_account, p_at);
        contact_id := root_contact(survivor);
      else
        conflicts := coalesce(conflicts, '[]') || jsonb_build_object('handle', jsonb_build_object('scheme', h.scheme, 'scope', h.scope, 'value', h.value, 'proof', h.proof),
          'contactIds', jsonb_build_array(least(contact_id, owner), greatest(contact_id, owner)));
      end if;
    end if;
  end loop;

  if created then
    person.id := contact_id;
    person.name := p_name;
    insert into contact (id, name, view, created_at, updated_at) values (contact_id, p_name, draw_contact(person), p_at, p_at);
  elsif p_name is not null then
    update contact c set name = p_name, updated_at = p_at where c.id = contact_id and c.name is null;
  end if;
end
$$;`;
