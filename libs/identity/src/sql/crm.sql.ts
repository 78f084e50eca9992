/**
 * What the CRM says of people, and of their companies.
 *
 * `crm_company(company)`: the company by the id that the CRM has for it, made or brought up to date; its id here. Its contacts are told of a change. It locks the company before the people of
 * it, so it has a transaction of its own, before anybody of them is locked.
 *
 * `apply_crm(contact, crm, created, at)`: shows on a contact what the CRM says (`crm`, company, name where there is none, metadata) and keeps the link as a
 * handle of scheme `crm`. With `proof` the link is proven: nobody else can have it, and whoever has it already becomes one person with this contact, by the policy of any proof
 * (`prove_handle`), but only where `join` says so. Without `proof` it is a suggestion. A proven link stays whatever a later look-up finds (`another`), unless it is to be
 * replaced. Tells of what changed, unless the contact is told of as a new one anyway. An answer of the CRM that cannot be stored is no reason to fail.
 *
 * Outcomes: `linked`, `suggested`, `another`, `taken` (proven to be somebody else's, and not to be joined now), `merged`, `conflict`, `failed`, `gone`.
 */
export const CRM = `
create function crm_company(p_company jsonb, p_at timestamptz) returns text language plpgsql as $$
declare
  v_id text;
  v_was company;
  v_products text[] := array(select jsonb_array_elements_text(coalesce(p_company->'products', '[]')));
begin
  select k.id into v_id from company k
  where k.external_id = p_company->>'id' and k.name = p_company->>'name'
    and (not p_company ? 'level' or k.level is not distinct from p_company->>'level') and (not p_company ? 'products' or k.products = v_products)
    and (not p_company ? 'contracts' or k.contracts = p_company->'contracts') and (not p_company ? 'url' or k.metadata->>'url' is not distinct from p_company->>'url');
  if found then return v_id; end if;
  select * into v_was from company k where k.external_id = p_company->>'id' for no key update;
  insert into company as k (id, external_id, name, level, products, contracts, metadata, created_at, updated_at)
  values (new_id('cmp'), p_company->>'id', p_company->>'name', p_company->>'level', v_products, coalesce(p_company->'contracts', '[]'),
    jsonb_strip_nulls(jsonb_build_object('url', p_company->'url')), p_at, p_at)
  on conflict (external_id) do update set name = excluded.name,
    level = case when p_company ? 'level' then excluded.level else k.level end, products = case when p_company ? 'products' then excluded.products else k.products end,
    contracts = case when p_company ? 'contracts' then excluded.contracts else k.contracts end,
    metadata = case when p_company ? 'url' then k.metadata - 'url' || excluded.metadata else k.metadata end, updated_at = p_at
  returning k.id into v_id;
  perform tell_company(k.id, p_at) from company k
  where k.id = v_was.id and (k.name, k.level, k.products) is distinct from (v_was.name, v_was.level, v_was.products);
  return v_id;
end
$$;

create function apply_crm(p_contact text, p_crm jsonb, p_created boolean, p_at timestamptz, out contact_id text, out outcome text, out changes text[])
language plpgsql as $$
#variable_conflict use_column
declare
  c contact;
  n contact;
  v_link record;
begin
  changes := '{}';
  contact_id := root_contact(p_contact);
  outcome := 'gone';
  perform 1 from contact where id = apply_crm.contact_id for key share; -- nobody is erased meanwhile
  if not found then return; end if;
  v_link := link_crm(contact_id, p_crm, p_at);
  contact_id := v_link.contact_id;
  outcome := v_link.outcome;
  if outcome = 'another' then return; end if;
  if v_link.changed then changes := '{handles}'; end if;
  select * into c from contact where id = apply_crm.contact_id for no key update;
  n := c;
  n.crm := jsonb_build_object('id', p_crm->>'id', 'url', p_crm->>'url');
  n.company_id := coalesce((select k.id from company k where k.id = p_crm->>'companyId'), c.company_id);
  n.name := coalesce(c.name, p_crm->>'name');
  if p_crm ? 'metadata' then
    n.metadata := (select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(c.metadata || (p_crm->'metadata')) where value <> 'null');
  end if;
  changes := changes || array(
    select x.what from (values ('crm', n.crm is distinct from c.crm), ('company', n.company_id is distinct from c.company_id),
      ('name', n.name is distinct from c.name), ('metadata', n.metadata is distinct from c.metadata)) x(what, changed) where x.changed);
  if changes && '{crm,company,name,metadata}' then
    update contact set crm = n.crm, company_id = n.company_id, name = n.name, metadata = n.metadata, updated_at = p_at where id = c.id;
  end if;
  if changes <> '{}' and not p_created and not c.blocked then
    perform emit('contact.updated', null, c.id, null, jsonb_build_object('changes', changes), p_at);
  end if;
exception when integrity_constraint_violation or data_exception then
  contact_id := root_contact(p_contact);
  outcome := 'failed';
  changes := '{}';
end
$$;

create function link_crm(p_contact text, p_crm jsonb, p_at timestamptz, out contact_id text, out outcome text, out changed boolean) language plpgsql as $$
#variable_conflict use_column
declare
  v_value text := p_crm->>'id';
  v_proof text := p_crm->>'proof';
  v_linked handle;
  v_owner text;
begin
  contact_id := p_contact;
  changed := false;
  select * into v_linked from handle h where h.contact_id = p_contact and h.scheme = 'crm' and h.scope = '' and h.proof <> 'claimed'
  order by h.value = v_value desc limit 1 for update;
  if v_linked.value <> v_value then
    outcome := 'another';
    if not p_crm ? 'replace' or v_linked.source is distinct from 'crm' then return; end if;
    perform note_handle(v_linked, 'removed', 'crm');
    delete from handle where id = v_linked.id;
    changed := true;
  elsif v_linked.id is not null then
    outcome := 'linked';
    changed := coalesce(v_proof = 'verified' and v_linked.proof = 'channel', false);
    if changed then update handle set proof = 'verified', proven_at = p_at where id = v_linked.id; end if;
    return;
  end if;
  select h.contact_id into v_owner from handle h where h.scheme = 'crm' and h.scope = '' and h.value = v_value and h.proof <> 'claimed';
  if v_proof is not null and v_owner is not null then
    outcome := 'taken';
    if p_crm ? 'join' then
      select x.outcome, x.contact_id into outcome, contact_id
      from prove_handle(p_contact, jsonb_build_object('scheme', 'crm', 'value', v_value, 'proof', v_proof), 'crm', null, p_at, false) x;
    end if;
    return;
  end if;
  outcome := case when v_proof is null then 'suggested' else 'linked' end;
  if v_proof is null and exists (
    select 1 from handle h where h.contact_id = p_contact and h.scheme = 'crm' and h.scope = '' and h.value = v_value) then return; end if;
  delete from handle h where h.contact_id = p_contact and h.scheme = 'crm' and h.scope = '' and h.proof = 'claimed' and (h.source = 'crm' or h.value = v_value);
  insert into handle (id, contact_id, scheme, value, proof, source, created_at, proven_at)
  values (new_id('hdl'), p_contact, 'crm', v_value, coalesce(v_proof, 'claimed'), 'crm', p_at, case when v_proof is not null then p_at end)
  on conflict (scheme, scope, value) where proof <> 'claimed' do nothing;
  if found then changed := true; else outcome := 'taken'; end if;
end
$$;
`;
