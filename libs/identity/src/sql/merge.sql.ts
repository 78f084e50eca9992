/** A handle `h` stands on a thread `t`. */
const CARRIED = `t.handles @> jsonb_build_array(jsonb_build_object('scheme', h.scheme, 'scope', h.scope, 'value', h.value))`;

/**
 * Joining people, and taking it back.
 *
 * `merge_contacts(into, from, reason, by, account, at)`: handles, threads and conversations of one contact become another's; no two conversations are fused. What the
 * survivor lacks (name, company, CRM reference, metadata, being blocked) is filled in. The journal (`merge.moved`) holds what moved and what was filled in.
 * Null where both are one already; who was merged meanwhile is found where it went.
 *
 * `undo_merge(merge, by, at)`: both are again as they were. Whatever is at home with who was merged (`home`: the contact before its first merge) goes back from
 * wherever later merges took it, with what came in between on the threads that go back; a message that is stored stays in its conversation. What was filled in
 * is taken out again unless it was changed since.
 *
 * One at a time, for each takes many locks: conversations (as intake does, first of all), handles, contacts, each by id.
 */
export const MERGE = `
create function root_contact(p_id text) returns text language plpgsql stable as $$
declare
  v_id text := p_id;
  v_next text;
begin
  loop
    select c.merged_into into v_next from contact c where c.id = v_id;
    if v_next is null then return v_id; end if;
    v_id := v_next;
  end loop;
end
$$;

create function lock_people(p_ids text[]) returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('merge', 5));
  perform 1 from conversation c where c.contact_id = any (p_ids) order by c.id for update;
  perform 1 from handle h where h.contact_id = any (p_ids) order by h.id for update;
  perform 1 from contact c where c.id = any (p_ids) order by c.id for update;
end
$$;

create function handles_of(p_ids jsonb) returns jsonb language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('scheme', h.scheme, 'scope', h.scope, 'value', h.value, 'proof', h.proof) order by h.created_at, h.id), '[]')
  from handle h where p_ids ? h.id
$$;

create function merge_contacts(p_into text, p_from text, p_reason text, p_by text, p_account text, p_at timestamptz) returns text language plpgsql as $$
declare
  v_id text := new_id('mrg');
  v_into text;
  v_from text;
  a contact;
  b contact;
  v_handles jsonb;
  v_threads jsonb;
  v_conversations jsonb;
  v_conflicts jsonb;
  v_claims jsonb := '{}';
  v_filled jsonb := '{}';
  v_metadata jsonb;
begin
  loop
    v_into := root_contact(p_into);
    v_from := root_contact(p_from);
    if v_into = v_from then return null; end if;
    perform lock_people(array[v_into, v_from]);
    select * into a from contact where id = v_into;
    select * into b from contact where id = v_from;
    exit when a.merged_into is null and b.merged_into is null;
  end loop;
  if a.id is null or b.id is null then raise exception 'there is no such contact' using errcode = 'no_data_found'; end if;

  if exists (select 1 from handle h where h.contact_id in (v_into, v_from) and h.proof <> 'claimed') then
    -- whoever only claims an address is not this person, though somebody has said that once it was
    with freed as (update handle set claimed_on = null where contact_id in (v_into, v_from) and claimed_on is not null returning id, source)
    select coalesce(jsonb_object_agg(id, substr(source, 9)), '{}') into v_claims from freed;
  end if;
  with moved as (update handle set contact_id = v_into, home = coalesce(home, contact_id) where contact_id = v_from returning id) select coalesce(jsonb_agg(id), '[]') into v_handles from moved;
  with moved as (update thread set contact_id = v_into, home = coalesce(home, contact_id) where contact_id = v_from returning id) select coalesce(jsonb_agg(id), '[]') into v_threads from moved;
  with moved as (update conversation set contact_id = v_into, home = coalesce(home, contact_id) where contact_id = v_from returning id)
  select coalesce(jsonb_agg(id), '[]') into v_conversations from moved;

  if a.name is null and b.name is not null then v_filled := v_filled || jsonb_build_object('name', b.name); end if;
  if a.company_id is null and b.company_id is not null then v_filled := v_filled || jsonb_build_object('company', b.company_id); end if;
  if a.crm is null and b.crm is not null then v_filled := v_filled || jsonb_build_object('crm', b.crm); end if;
  if b.blocked and not a.blocked then v_filled := v_filled || '{"blocked": true}'; end if;
  select jsonb_object_agg(key, value) into v_metadata from jsonb_each(b.metadata) where not a.metadata ? key;
  if v_metadata is not null then v_filled := v_filled || jsonb_build_object('metadata', v_metadata); end if;
  update contact set merged_into = v_into, updated_at = p_at where id = v_from;
  update contact set name = coalesce(name, b.name), company_id = coalesce(company_id, b.company_id), crm = coalesce(crm, b.crm), blocked = blocked or b.blocked,
    metadata = b.metadata || metadata, updated_at = p_at where id = v_into;

  with settled as (
    update contact_conflict set resolved_at = p_at, resolution = 'merged', resolved_by = p_by
    where resolved_at is null and contact_ids && array[v_into, v_from] and root_contact(contact_ids[1]) = root_contact(contact_ids[2]) returning id)
  select coalesce(jsonb_agg(id), '[]') into v_conflicts from settled;
  insert into merge (id, survivor_id, merged_id, reason, by, moved, created_at)
  values (v_id, v_into, v_from, p_reason, p_by, jsonb_build_object('handles', v_handles, 'threads', v_threads, 'conversations', v_conversations,
    'conflicts', v_conflicts, 'claims', v_claims, 'filled', v_filled, 'account', p_account), p_at);
  perform emit('contact.merged', null, v_into, p_account, jsonb_build_object('merge', jsonb_build_object('id', v_id, 'survivorId', v_into, 'mergedId', v_from,
    'handles', handles_of(v_handles), 'threadIds', v_threads, 'conversationIds', v_conversations, 'reason', p_reason)), p_at);
  return v_id;
end
$$;

create function undo_merge(p_merge text, p_by text, p_at timestamptz) returns text language plpgsql as $$
declare
  m merge;
  v_root text;
  v_tree text[];
  v_handles jsonb;
  v_threads jsonb;
  v_conversations jsonb;
begin
  select * into m from merge where id = p_merge;
  if not found then raise exception 'there is no merge %', p_merge using errcode = 'no_data_found'; end if;
  if m.undone_at is not null then raise exception 'the merge % is undone already', p_merge using errcode = 'object_not_in_prerequisite_state'; end if;
  loop
    v_root := root_contact(m.survivor_id);
    perform lock_people(array[v_root, m.merged_id]);
    exit when v_root = root_contact(m.survivor_id);
  end loop;
  if exists (select 1 from merge where id = p_merge and undone_at is not null) then
    raise exception 'the merge % is undone already', p_merge using errcode = 'object_not_in_prerequisite_state';
  end if;

  with recursive tree as (select m.merged_id as id union all select c.id from contact c join tree t on c.merged_into = t.id)
  select array_agg(id) into v_tree from tree;
  with back as (update handle set contact_id = m.merged_id where contact_id = v_root and home = any (v_tree) returning id)
  select coalesce(jsonb_agg(id), '[]') into v_handles from back;
  with back as ( -- threads that were made since by a handle that goes back go with it
    update thread t set contact_id = m.merged_id, home = coalesce(case when t.home = any (v_tree) then t.home end, (
      select coalesce(h.home, h.contact_id) from handle h where ${CARRIED} and h.contact_id = m.merged_id and h.proof <> 'claimed' limit 1))
    where t.contact_id = v_root
      and (t.home = any (v_tree)
        or (exists (select 1 from handle h where ${CARRIED} and h.contact_id = m.merged_id and h.proof <> 'claimed')
          and not exists (select 1 from handle h where ${CARRIED} and h.contact_id = v_root and h.proof <> 'claimed')))
    returning id)
  select coalesce(jsonb_agg(id), '[]') into v_threads from back;
  with back as ( -- and so do handles that came since, on those threads alone
    update handle h set contact_id = m.merged_id, home = m.merged_id
    where h.contact_id = v_root and h.created_at >= m.created_at
      and exists (select 1 from thread t where t.contact_id = m.merged_id and ${CARRIED})
      and not exists (select 1 from thread t where t.contact_id = v_root and ${CARRIED})
    returning id)
  select v_handles || coalesce(jsonb_agg(id), '[]') into v_handles from back;
  with back as ( -- and conversations that were opened since, of nobody else
    update conversation c set contact_id = m.merged_id, home = case when c.home = any (v_tree) then c.home else m.merged_id end
    where c.contact_id = v_root and (c.home = any (v_tree)
      or (select bool_and(t.contact_id = m.merged_id) from conversation_thread j join thread t on t.id = j.thread_id where j.conversation_id = c.id))
    returning id)
  select coalesce(jsonb_agg(id), '[]') into v_conversations from back;
  update handle h set claimed_on = m.moved->'claims'->>h.id
  where m.moved->'claims' ? h.id and h.proof = 'claimed' and not exists (
    select 1 from handle o where o.scheme = h.scheme and o.scope = h.scope and o.value = h.value and o.proof = 'claimed' and o.claimed_on = m.moved->'claims'->>h.id);
  perform part_conversations(array[v_root, m.merged_id]);
  perform empty_out(m.survivor_id, m.moved->'filled');

  update contact set merged_into = null, updated_at = p_at where id = m.merged_id;
  update contact_conflict c set resolved_at = null, resolution = null, resolved_by = null
  where m.moved->'conflicts' ? c.id and c.resolution = 'merged'
    and not exists (select 1 from contact_conflict o where o.resolved_at is null and o.contact_ids = c.contact_ids and o.handle = c.handle);
  update merge set undone_at = p_at, undone_by = p_by where id = m.id;
  perform emit('contact.unmerged', null, v_root, m.moved->>'account', jsonb_build_object('merge', jsonb_build_object('id', m.id, 'survivorId', v_root,
    'mergedId', m.merged_id, 'handles', handles_of(v_handles), 'threadIds', v_threads, 'conversationIds', v_conversations, 'reason', m.reason),
    'restored', contact_view(m.merged_id)), p_at);
  return m.merged_id;
end
$$;

-- A conversation runs over threads of its own contact only, and a thread leads into a conversation of its own contact.
create function part_conversations(p_contacts text[]) returns void language plpgsql as $$
begin
  delete from conversation_thread j using conversation c, thread t
  where c.id = j.conversation_id and t.id = j.thread_id and c.contact_id = any (p_contacts) and t.contact_id <> c.contact_id;
  update conversation c set last_thread_id = (
    select t.id from conversation_thread j join thread t on t.id = j.thread_id where j.conversation_id = c.id order by t.last_inbound_at desc nulls last, t.id limit 1)
  where c.contact_id = any (p_contacts) and exists (select 1 from thread t where t.id = c.last_thread_id and t.contact_id <> c.contact_id);
  update thread t set conversation_id = (
    select c.id from conversation_thread j join conversation c on c.id = j.conversation_id
    where j.thread_id = t.id and c.contact_id = t.contact_id order by c.created_at desc, c.id desc limit 1)
  where t.contact_id = any (p_contacts) and exists (select 1 from conversation c where c.id = t.conversation_id and c.contact_id <> t.contact_id);
end
$$;

-- Takes out of a contact what a merge filled in, and out of whom it was merged into what came there through it.
create function empty_out(p_contact text, p_filled jsonb) returns void language plpgsql as $$
declare
  c contact;
  up merge;
  f jsonb := p_filled;
begin
  select * into c from contact where id = p_contact;
  loop
    select * into up from merge where merged_id = c.id and undone_at is null;
    update contact set name = case when name = f->>'name' then null else name end, company_id = case when company_id = f->>'company' then null else company_id end,
      crm = case when crm = f->'crm' then null else crm end, blocked = blocked and not f ? 'blocked',
      metadata = (select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(metadata) where value is distinct from f->'metadata'->key)
    where id = c.id;
    exit when up.id is null;
    f := (select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(f) where up.moved->'filled' @> jsonb_build_object(key, value));
    exit when f = '{}';
    update merge set moved = jsonb_set(moved, '{filled}', (
      select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(up.moved->'filled') where value is distinct from f->key)) where id = up.id;
    select * into c from contact where id = up.survivor_id;
  end loop;
end
$$;

-- Two whom the company's software or its CRM names differently are never one person, whatever else they share.
create function are_two(p_one text, p_other text) returns boolean language plpgsql stable as $$
begin
  return exists (
    select 1 from handle a join handle b on b.contact_id = p_other and b.scheme = a.scheme and b.scope = a.scope and b.proof <> 'claimed'
    where a.contact_id = p_one and a.scheme in ('client', 'crm') and a.proof <> 'claimed');
end
$$;

-- Has a person said that they are two: by parting them, or by keeping them apart?
create function are_kept_apart(p_one text, p_other text) returns boolean language plpgsql stable as $$
begin
  return exists (
      select 1 from contact_conflict f where f.resolution in ('kept', 'moved') and f.contact_ids && array[p_one, p_other]
        and array(select root_contact(x) from unnest(f.contact_ids) x) @> array[p_one, p_other])
    or exists (
      select 1 from merge m where m.undone_at is not null and (m.survivor_id in (p_one, p_other) or m.merged_id in (p_one, p_other))
        and array[root_contact(m.survivor_id), root_contact(m.merged_id)] @> array[p_one, p_other]);
end
$$;

-- May proofs of these levels join two contacts? The policy is the installation's: \`identity.merge\`. What a person decided stands.
create function may_join(p_one text, p_other text, p_proofs text[]) returns boolean language plpgsql stable as $$
declare
  v_policy text := coalesce((select s.value->>'merge' from setting s where s.name = 'identity'), 'channel');
begin
  return p_proofs <> '{}' and 'claimed' <> all (p_proofs) and v_policy <> 'never' and (v_policy = 'channel' or 'channel' <> all (p_proofs))
    and not are_two(p_one, p_other) and not are_kept_apart(p_one, p_other);
end
$$;

-- Whom the CRM or the company's software knows stays; else who came first.
create function survivor_of(p_one text, p_other text) returns text language plpgsql stable as $$
begin
  return (
    select c.id from contact c where c.id in (p_one, p_other)
    order by exists (select 1 from handle h where h.contact_id = c.id and h.scheme = 'crm' and h.proof <> 'claimed') desc,
      exists (select 1 from handle h where h.contact_id = c.id and h.scheme = 'client' and h.proof <> 'claimed') desc, c.created_at, c.id limit 1);
end
$$;

-- Gives a contact a proven handle. Where it is proven to be another's, both are joined by policy, or a person decides. \`contact_id\` is who the contact is afterwards.
create function prove_handle(p_contact text, p_handle jsonb, p_source text, p_account text, p_at timestamptz, p_tell boolean default true, out outcome text, out contact_id text) language plpgsql as $$
declare
  v_owner handle;
  v_scope text := coalesce(p_handle->>'scope', '');
  v_proof text := coalesce(p_handle->>'proof', 'verified');
begin
  loop -- nobody merges the contact away meanwhile
    contact_id := root_contact(p_contact);
    perform 1 from contact c where c.id = prove_handle.contact_id and c.merged_into is null for key share;
    exit when found;
    if not exists (select 1 from contact c where c.id = prove_handle.contact_id) then raise exception 'there is no such contact' using errcode = 'no_data_found'; end if;
  end loop;
  loop
    select h.* into v_owner from handle h
    where h.scheme = p_handle->>'scheme' and h.scope = v_scope and h.value = p_handle->>'value' and h.proof <> 'claimed' for update;
    exit when found;
    delete from handle h where h.contact_id = prove_handle.contact_id and h.scheme = p_handle->>'scheme' and h.scope = v_scope and h.value = p_handle->>'value';
    insert into handle (id, contact_id, scheme, scope, value, proof, source, created_at, proven_at)
    values (new_id('hdl'), prove_handle.contact_id, p_handle->>'scheme', v_scope, p_handle->>'value', v_proof, p_source, p_at, p_at)
    on conflict (scheme, scope, value) where proof <> 'claimed' do nothing;
    if found then
      outcome := 'attached';
      if p_tell then perform emit('contact.updated', null, contact_id, p_account, '{"changes": ["handles"]}', p_at); end if;
      return;
    end if;
  end loop;
  if v_owner.contact_id = contact_id then
    outcome := 'known';
  elsif may_join(contact_id, v_owner.contact_id, array[v_proof, v_owner.proof]) then
    outcome := 'merged';
    perform merge_contacts(s.id, case when s.id = prove_handle.contact_id then v_owner.contact_id else prove_handle.contact_id end, 'proven', p_source, p_account, p_at)
    from (select survivor_of(prove_handle.contact_id, v_owner.contact_id) as id) s;
    contact_id := root_contact(contact_id);
  else
    outcome := 'conflict';
    perform note_conflict(jsonb_build_object('handle', p_handle || jsonb_build_object('scope', v_scope, 'proof', v_proof),
      'contactIds', jsonb_build_array(least(contact_id, v_owner.contact_id), greatest(contact_id, v_owner.contact_id))), p_at);
    return;
  end if;
  if v_proof = 'verified' and v_owner.proof = 'channel' then
    update handle set proof = 'verified', source = p_source, proven_at = p_at where id = v_owner.id;
    if outcome = 'known' then
      outcome := 'raised';
      if p_tell then perform emit('contact.updated', null, contact_id, p_account, '{"changes": ["handles"]}', p_at); end if;
    end if;
  end if;
end
$$;
`;
