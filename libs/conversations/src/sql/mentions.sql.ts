/**
 * What tells of a person without an id of ours: events that were set aside, forms, codes, rejected rows of imports, traffic that no message is known for.
 *
 * Data that came from outside is of whoever its handles name (`tells_of`). Where it has none it is of whoever is named in it: `names_of` are the texts by which
 * people are known, `names_anybody` finds them in another text.
 */
export const MENTIONS = `
-- Texts by which a person is known wherever there is no id: addresses and provider names, as they are, as they stand in URLs, and phone numbers without the plus.
create function names_of(p_contacts text[]) returns text[] language plpgsql stable as $$
begin
  return (
    select coalesce(array_agg(distinct x.spelling), '{}') from (
      select h.value from handle h where h.contact_id = any (p_contacts)
      union select t.external_id from thread t where t.contact_id = any (p_contacts)
      union select h->>'value' from thread t cross join lateral jsonb_array_elements(t.handles) h where t.contact_id = any (p_contacts)) v
    cross join lateral (values (v.value), (ltrim(v.value, '+')), (replace(replace(replace(v.value, '%', '%25'), '+', '%2B'), '@', '%40')), (btrim(to_jsonb(v.value)::text, '"'))) x (spelling)
    where length(x.spelling) >= 4);
end
$$;

-- Whether one of the names stands in a text as a word of its own: no number is part of another, no address the end of a longer one. What could be anybody's word,
-- number or date does not count.
create function names_anybody(p_text text, p_names text[]) returns boolean language sql immutable as $$
  select exists (
    select 1 from unnest(p_names) n
    where position(n in p_text) > 0 and (n ~ '@|%40|^(\\+|%2B)[0-9]{6}' or (length(n) >= 10 and n ~ '[0-9]'))
      and p_text ~ ('(^|[^0-9A-Za-z' || case when n ~ '^(\\+|%2B)?[0-9]+$' then '' else '._+-' end || ']|\\\\[bfnrt]|%[0-9A-Fa-f]{2})'
        || regexp_replace(n, '([].[*+?(){}|^$\\\\])', '\\\\\\1', 'g')
        || case when n ~ '^(\\+|%2B)?[0-9]+$' then '(?![0-9A-Za-z])' else '(?![0-9A-Za-z_-]|\\.[0-9A-Za-z])' end))
$$;

create function handles_held(p_contacts text[]) returns jsonb language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('scheme', x.scheme, 'scope', x.scope, 'value', x.value)), '[]') from (
    select h.scheme, h.scope, h.value from handle h where h.contact_id = any (p_contacts)
    union select h->>'scheme', coalesce(h->>'scope', ''), h->>'value' from thread t cross join lateral jsonb_array_elements(t.handles) h where t.contact_id = any (p_contacts)) x
$$;

-- Whether one of the handles stands in a list, which may be incomplete, and its numbers as people write them.
create function lists(p_list jsonb, p_handles jsonb) returns boolean language sql immutable as $$
  select exists (
    select 1 from jsonb_path_query(p_list, '$[*]') x join jsonb_array_elements(p_handles) h
      on coalesce(x->>'scheme', h->>'scheme') = h->>'scheme' and coalesce(x->>'scope', '') = h->>'scope'
      and (x->>'value' = h->>'value' or (h->>'scheme' = 'phone' and regexp_replace(x->>'value', '[ ()./-]', '', 'g') = h->>'value')))
$$;

-- Whether data that came from outside is of these people.
create function tells_of(p_data jsonb, p_remark text, p_handles jsonb, p_names text[]) returns boolean language sql immutable as $$
  select case when jsonb_path_exists(coalesce(p_data->'handles', p_data->'sender'->'handles'), '$[*]')
    then lists(coalesce(p_data->'handles', p_data->'sender'->'handles'), p_handles)
    else names_anybody(concat(p_data, ' ', p_remark), p_names) or exists (
      select 1 from jsonb_path_query(p_data, '$.** ? (@.type() == "string")') s cross join regexp_split_to_table(s #>> '{}', '[;|\\n]') cell
      where lists(jsonb_build_array(jsonb_build_object('scheme', 'phone', 'value', cell)), p_handles)) end
$$;

-- What names a person without an id of ours: what was set aside, and traffic that no message is known for. What was set aside is not taken again.
create function erase_mentions(p_people text[], p_since timestamptz, p_now timestamptz) returns jsonb language plpgsql as $$
declare
  v_names text[] := names_of(p_people);
  v_handles jsonb := handles_held(p_people);
  v_parked int;
  v_traces int;
begin
  with gone as (
    delete from poison p where tells_of(p.input, p.error, v_handles, v_names) returning p.id, p.account_id, p.dedupe_key)
  insert into inbox (account_id, dedupe_key, item_id, received_at) select g.account_id, g.dedupe_key, g.id, p_now from gone g on conflict do nothing;
  get diagnostics v_parked = row_count;
  delete from early_receipt r where names_anybody(r.receipt::text, v_names);
  delete from introduction i where (i.account_id, i.thread) in (
    select t.account_id, t.external_id from thread t where t.contact_id = any (p_people) union select h.scope, h.value from handle h where h.contact_id = any (p_people))
    or (names_anybody(concat(i.answers, i.proven), v_names) and not exists (select 1 from thread t where t.account_id = i.account_id and t.external_id = i.thread));
  delete from code c where c.value = any (v_names) or c.subject = any (p_people)
    or c.subject in (select h.scope || ' ' || h.value from handle h where h.contact_id = any (p_people) and h.scheme = 'visitor');
  delete from import_row r where r.errors is not null and (r.subject = any (p_people) or tells_of(r.data, r.errors::text, v_handles, v_names));
  delete from trace t where t.position = any (array(
    select x.position from (
      select o.position, o.exchange::text as said from trace o where o.created_at >= p_since and o.message_id is null and o.event_id is null offset 0) x
    where case when exists (select 1 from unnest(v_names) n where position(n in x.said) > 0) then names_anybody(x.said, v_names) or exists (
      select 1 from unnest(v_names) n where position('"' || n || '"' in x.said) > 0 or position('"' || n || '\\"' in x.said) > 0) end));
  get diagnostics v_traces = row_count;
  return jsonb_build_object('parked', v_parked, 'traces', v_traces);
end
$$;
`;
