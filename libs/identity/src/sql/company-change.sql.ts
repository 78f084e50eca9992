/**
 * What follows when a company changes: its contacts are told of (`contact.updated`), and the routing rules judge their open conversations again.
 *
 * For up to a hundred contacts that happens in the transaction of the change. For more it is put off (`company_change`, a hundred contacts to a row) and done
 * row by row with `follow_company()`, so that no transaction holds the people of a large company for long; what they show of it is new at once either way.
 *
 * `tell_company(company, at)`: tells the contacts of a company. `delete_company(company, at)`: deletes it; its contacts stay, without it. Both return how many
 * contacts are told, now or soon.
 */
export const COMPANY_CHANGE = `
create table company_change (
  id bigint generated always as identity primary key,
  what text not null check (what in ('told', 'routed')),
  contact_ids text[] not null
);

-- Whether these are too many for one transaction, and are seen to later therefore.
create function put_off(p_what text, p_contacts text[]) returns boolean language plpgsql as $$
begin
  if cardinality(p_contacts) <= 100 then return false; end if;
  insert into company_change (what, contact_ids)
  select p_what, array_agg(u.id order by u.n) from unnest(p_contacts) with ordinality u(id, n) group by (u.n - 1) / 100 order by (u.n - 1) / 100;
  return true;
end
$$;

create function tell_of_company(p_contacts text[], p_at timestamptz) returns int language plpgsql as $$
declare v_told int;
begin
  if put_off('told', p_contacts) then return cardinality(p_contacts); end if;
  select count(emit('contact.updated', null, c.id, null, '{"changes": ["company"]}', p_at)) into v_told from (
    select id from contact where id = any (p_contacts) and merged_into is null order by id) c;
  return v_told;
end
$$;

create function tell_company(p_company text, p_at timestamptz) returns int language plpgsql as $$
begin
  return tell_of_company(array(select c.id from contact c where c.company_id = p_company and c.merged_into is null order by c.id), p_at);
end
$$;

create function delete_company(p_company text, p_at timestamptz) returns int language plpgsql as $$
declare
  v_ids text[] := array(select c.id from contact c where c.company_id = p_company order by c.id for no key update);
begin
  delete from company where id = p_company;
  perform reroute_people(v_ids);
  return tell_of_company(v_ids, p_at);
end
$$;

-- Sees to the oldest row that was put off; returns whether there was one. By one process at a time: a contact must not be told of as it was after it was told of as it is.
create function follow_company() returns boolean language plpgsql as $$
declare w company_change;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('company_change', 0)) then return false; end if;
  delete from company_change where id = (select min(id) from company_change) returning * into w;
  if not found then return false; end if;
  perform 1 from contact where id = any (w.contact_ids) order by id for no key update;
  if w.what = 'told' then
    perform tell_of_company(w.contact_ids, clock_timestamp());
  else
    perform reroute_people(w.contact_ids);
  end if;
  return true;
end
$$;
`;
