/**
 * Imports of companies and contacts: `import` is what was asked and what came of it, `import_row` the rows that are left to do, then the rejected ones. Rows come
 * in checked and in the form of the functions below; `row` is the number that a person sees beside it.
 *
 * `import_batch(import, limit)`: the next rows, in order, in the caller's transaction; returns how many. A row is stored whole or rejected with `errors`
 * (`[{column, message}]`), and stops no other. It ends early where a great many contacts had to be told of their company.
 *
 * A row names its subject by `externalId` (of a contact: the handle `crm`), else by a proven handle, or the name of a company. What it does not mention stays as it
 * is. A further row of the same subject may add handles and fill what is empty; where it would change what stands there, two rows contradict each other, and
 * the later one is rejected: so a file that is imported again changes nothing.
 */
export const IMPORT = `
create table import (
  id text primary key,
  kind text not null check (kind in ('companies', 'contacts')),
  state text not null default 'receiving' check (state in ('receiving', 'running', 'done', 'failed')),
  failure text,
  by text,
  total int not null default 0,
  processed int not null default 0,
  created int not null default 0,
  updated int not null default 0,
  unchanged int not null default 0,
  rejected int not null default 0,
  position int not null default 0,
  created_at timestamptz not null default now(),
  finished_at timestamptz
);
create index import_unfinished on import (id) where state in ('receiving', 'running');

create table import_row (
  import_id text not null,
  row int not null,
  data jsonb,
  subject text,
  errors jsonb,
  primary key (import_id, row)
);
create index import_row_subject on import_row (import_id, subject) where subject is not null;
create index import_row_rejected on import_row (import_id, row) where errors is not null;

create function import_fault(p_column text, p_message text) returns jsonb language sql immutable as $$
  select jsonb_build_array(jsonb_build_object('column', p_column, 'message', p_message))
$$;

-- What metadata becomes: key by key, null removes.
create function merge_metadata(p_old jsonb, p_new jsonb) returns jsonb language sql immutable as $$
  select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(p_old || coalesce(p_new, '{}')) where value <> 'null'
$$;

create function import_company(p_import text, p_row int, d jsonb, p_at timestamptz, out outcome text, out subject text, out errors jsonb, out told int)
language plpgsql as $$
declare
  c company;
  n company;
  v_same int;
  v_ids text[];
begin
  told := 0;
  if d ? 'externalId' then
    select array_agg(k.id) into v_ids from company k where k.external_id = d->>'externalId';
  else
    select array_agg(k.id order by k.id) into v_ids from company k where lower(k.name) = lower(d->>'name');
    if cardinality(v_ids) > 1 then
      outcome := 'rejected';
      errors := import_fault('name', cardinality(v_ids) || ' companies have this name: expected an externalId');
      return;
    end if;
  end if;
  if v_ids is null then
    if not d ? 'name' then
      outcome := 'rejected';
      errors := import_fault('name', 'expected a name, for there is no company with this externalId');
      return;
    end if;
    subject := new_id('cmp');
    insert into company (id, external_id, name, level, products, contracts, metadata, created_at, updated_at)
    values (subject, d->>'externalId', d->>'name', d->>'level', array(select jsonb_array_elements_text(coalesce(d->'products', '[]'))),
      coalesce(d->'contracts', '[]'), merge_metadata('{}', d->'metadata'), p_at, p_at);
    outcome := 'created';
    return;
  end if;

  select * into c from company where id = v_ids[1] for update;
  subject := c.id;
  n := c;
  if d ? 'name' then n.name := d->>'name'; end if;
  if d ? 'level' then n.level := d->>'level'; end if;
  if d ? 'products' then n.products := array(select jsonb_array_elements_text(d->'products')); end if;
  if d ? 'contracts' then n.contracts := d->'contracts'; end if;
  n.metadata := merge_metadata(c.metadata, d->'metadata');
  if n is not distinct from c then
    outcome := 'unchanged';
    return;
  end if;
  select r.row into v_same from import_row r where r.import_id = p_import and r.subject = c.id and r.row < p_row order by r.row limit 1;
  if found and (n.name <> c.name or n.level <> c.level or n.products <> c.products and c.products <> '{}' or n.contracts <> c.contracts and c.contracts <> '[]'
      or not n.metadata @> c.metadata) then
    outcome := 'rejected';
    errors := import_fault(null, 'row ' || v_same || ' says otherwise of the same company');
    return;
  end if;
  update company set name = n.name, level = n.level, products = n.products, contracts = n.contracts, metadata = n.metadata, updated_at = p_at where id = c.id;
  if (n.name, n.level, n.products) is distinct from (c.name, c.level, c.products) then told := tell_company(c.id, p_at); end if;
  outcome := 'updated';
end
$$;

-- The company that a row of a contact names; \`errors\` where it names none that there is.
create function import_company_of(d jsonb, out id text, out errors jsonb) language plpgsql stable as $$
declare
  v_ids text[];
  v_column text := case when d ? 'companyId' then 'companyId' when d ? 'companyExternalId' then 'companyExternalId' else 'company' end;
begin
  if v_column = 'companyId' then
    select array_agg(k.id) into v_ids from company k where k.id = d->>'companyId';
  elsif v_column = 'companyExternalId' then
    select array_agg(k.id) into v_ids from company k where k.external_id = d->>'companyExternalId';
  else
    select array_agg(k.id) into v_ids from company k where lower(k.name) = lower(d->>'company');
  end if;
  if cardinality(v_ids) = 1 then
    id := v_ids[1];
  elsif v_ids is null then
    errors := import_fault(v_column, 'expected a company that exists: import companies first');
  else
    errors := import_fault(v_column, cardinality(v_ids) || ' companies have this name: expected companyExternalId');
  end if;
end
$$;

-- Whose row it is: nobody yet (null), or the contact; \`errors\` where its handles are not this one person's.
create function import_owner(d jsonb, p_at timestamptz, out owner text, out errors jsonb) language plpgsql as $$
declare
  v_owned jsonb;
  o record;
begin
  select jsonb_agg(x || jsonb_build_object('owner', h.contact_id, 'held', h.proof) order by n) into v_owned
  from jsonb_array_elements(d->'handles') with ordinality e(x, n)
  cross join lateral (select * from handle k where k.scheme = x->>'scheme' and k.scope = x->>'scope' and k.value = x->>'value' and k.proof <> 'claimed' limit 1) h;
  if v_owned is null then return; end if;
  owner := v_owned->0->>'owner';
  for o in select x->>'column' as column, x->>'owner' as contact, x - '{column,owner,held}'::text[] as handle from jsonb_array_elements(v_owned) x where x->>'owner' <> import_owner.owner loop
    errors := coalesce(errors, '[]') || import_fault(o.column, 'belongs to contact ' || o.contact || ', while the row is of contact ' || owner);
    perform note_conflict(jsonb_build_object('handle', o.handle || '{"proof": "verified"}', 'contactIds', jsonb_build_array(least(owner, o.contact), greatest(owner, o.contact))), p_at);
  end loop;
  if errors is not null or v_owned->0->>'scheme' = 'crm' then return; end if;

  if d ? 'externalId' and exists (select 1 from handle h where h.contact_id = import_owner.owner and h.scheme = 'crm' and h.scope = '' and h.proof <> 'claimed') then
    errors := import_fault(v_owned->0->>'column', 'belongs to contact ' || owner || ', who has another externalId');
  elsif not v_owned @> '[{"held": "verified"}]' and coalesce((select s.value->>'merge' from setting s where s.name = 'identity'), 'channel') <> 'channel' then
    errors := import_fault(v_owned->0->>'column', 'belongs to contact ' || owner || ' by the word of a channel alone, which joins nobody (setting identity.merge)');
  end if;
end
$$;

create function import_contact(p_import text, p_row int, d jsonb, p_at timestamptz, out outcome text, out subject text, out errors jsonb) language plpgsql as $$
declare
  c contact;
  n contact;
  v_changes text[];
  v_same int;
  v_proven record;
  h record;
begin
  if d ?| '{companyId,companyExternalId,company}' then select o.id, o.errors into n.company_id, errors from import_company_of(d) o; end if;
  if errors is null then select o.owner, o.errors into subject, errors from import_owner(d, p_at) o; end if;
  if errors is not null then
    outcome := 'rejected';
    return;
  end if;
  if subject is null then
    outcome := 'created';
    subject := new_id('con');
    insert into contact (id, created_at, updated_at) values (subject, p_at, p_at);
  end if;
  select * into c from contact where id = subject for update;
  n.id := c.id;
  n.name := coalesce(d->>'name', c.name);
  n.company_id := coalesce(n.company_id, c.company_id);
  n.blocked := coalesce((d->>'blocked')::boolean, c.blocked);
  n.metadata := case when d ? 'metadata' then merge_metadata(c.metadata, d->'metadata') else c.metadata end;
  n.crm := case when d ? 'externalId' and (c.crm is null or c.crm->>'id' = d->>'externalId')
    then jsonb_build_object('id', d->>'externalId', 'url', coalesce(d->>'crmUrl', c.crm->>'url')) else c.crm end;
  v_changes := array_remove(array[case when n.name is distinct from c.name then 'name' end, case when n.company_id is distinct from c.company_id then 'company' end,
    case when n.crm is distinct from c.crm then 'crm' end, case when n.blocked <> c.blocked then 'blocked' end, case when n.metadata <> c.metadata then 'metadata' end], null);
  if outcome is null and v_changes <> '{}' then
    select r.row into v_same from import_row r where r.import_id = p_import and r.subject = c.id and r.row < p_row order by r.row limit 1;
    if found and (n.name <> c.name or n.company_id <> c.company_id or n.blocked <> c.blocked or n.crm->>'url' <> c.crm->>'url' or not n.metadata @> c.metadata) then
      outcome := 'rejected';
      errors := import_fault(null, 'row ' || v_same || ' says otherwise of the same contact');
      return;
    end if;
  end if;
  if v_changes <> '{}' then
    update contact set name = n.name, company_id = n.company_id, crm = n.crm, blocked = n.blocked, metadata = n.metadata, updated_at = p_at where id = c.id;
  end if;
  if outcome = 'created' then
    insert into handle (id, contact_id, scheme, scope, value, proof, source, created_at, proven_at)
    select new_id('hdl'), c.id, x->>'scheme', x->>'scope', x->>'value', 'verified', 'import:' || p_import, p_at + ord * interval '1 microsecond', p_at
    from jsonb_array_elements(d->'handles') with ordinality e(x, ord)
    on conflict (scheme, scope, value) where proof <> 'claimed' do nothing;
  end if;
  for h in
    select x - 'column' || '{"proof": "verified"}' as handle from jsonb_array_elements(d->'handles') x
    where not exists (select 1 from handle k where k.contact_id = c.id and k.scheme = x->>'scheme' and k.scope = x->>'scope' and k.value = x->>'value' and k.proof = 'verified')
  loop
    select p.outcome, p.contact_id into v_proven from prove_handle(c.id, h.handle, 'import:' || p_import, null, p_at, false) p;
    if v_proven.outcome in ('attached', 'raised') and 'handles' <> all (v_changes) then v_changes := v_changes || 'handles'::text; end if;
    subject := v_proven.contact_id; -- another, where somebody proved the handle just now and both were joined
  end loop;
  if outcome = 'created' and subject = c.id then
    perform emit('contact.created', null, c.id, null, null, p_at);
  elsif v_changes <> '{}' then
    outcome := 'updated';
    perform emit('contact.updated', null, subject, null, jsonb_build_object('changes', v_changes), p_at);
  else
    outcome := 'unchanged';
  end if;
end
$$;

create function import_batch(p_import text, p_limit int) returns int language plpgsql set enable_seqscan = off set jit = off as $$
declare
  i import;
  r import_row;
  done record;
  v_at timestamptz := clock_timestamp();
  v_told int := 0;
  v_rows int := 0;
  v_people text[];
begin
  select * into i from import where id = p_import and state = 'running' for update;
  if not found then return 0; end if;
  if i.kind = 'contacts' then -- in the order in which everybody locks them
    select array_agg(distinct locked.contact_id) into v_people from (
      select h.contact_id from handle h where h.id = any (array(
        select k.id from (select q.data from import_row q where q.import_id = p_import and q.row > i.position order by q.row limit p_limit) b
        cross join jsonb_array_elements(b.data->'handles') x cross join lateral (
          select l.id from handle l where l.scheme = x->>'scheme' and l.scope = x->>'scope' and l.value = x->>'value' and l.proof <> 'claimed' limit 1) k))
      order by h.id for update) locked;
    perform 1 from contact c where c.id = any (v_people) order by c.id for update;
  end if;
  for r in select * from import_row q where q.import_id = p_import and q.row > i.position order by q.row limit p_limit loop
    if r.errors is null then
      begin
        if i.kind = 'companies' then
          select * into done from import_company(p_import, r.row, r.data, v_at);
          v_told := v_told + done.told;
        else
          select * into done from import_contact(p_import, r.row, r.data, v_at);
        end if;
      exception
        when transaction_rollback or operator_intervention or insufficient_resources or lock_not_available or syntax_error_or_access_rule_violation then raise;
        when others then
          select 'rejected' as outcome, null as subject, import_fault(null, 'the database refuses it (' || sqlstate || ')') as errors into done;
      end;
    else
      select 'rejected' as outcome, null as subject, r.errors as errors into done;
    end if;
    update import_row set data = null, subject = case when done.errors is null then done.subject end, errors = done.errors where import_id = p_import and row = r.row;
    i.position := r.row;
    i.processed := i.processed + 1;
    i.created := i.created + (done.outcome = 'created')::int;
    i.updated := i.updated + (done.outcome = 'updated')::int;
    i.unchanged := i.unchanged + (done.outcome = 'unchanged')::int;
    i.rejected := i.rejected + (done.outcome = 'rejected')::int;
    v_rows := v_rows + 1;
    exit when v_told >= 5000;
  end loop;
  update import set position = i.position, processed = i.processed, created = i.created, updated = i.updated, unchanged = i.unchanged, rejected = i.rejected
  where id = p_import;
  return v_rows;
end
$$;
`;
