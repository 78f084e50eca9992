/**
 * Routing hints: what the rules of the settings file (table `setting`, name `routing`) say of a conversation. The first rule whose conditions all hold decides
 * on priority, queue and tags; whoever set one of them by hand keeps it (`conversation.set_by_hand`).
 *
 * `routing_facts(...)` gathers what the conditions are about: fact -> list of values. `route(facts)` is the rule that decides, null where none does;
 * `explain_routing(facts)` tells of every rule which of its conditions hold. Both go by `routing_holds`.
 *
 * `route_conversation(id, opening)` applies that to a conversation, which is locked by then or is locked here, and returns the names of what changed. A conversation
 * remembers how it was opened (`conversation.routing`: account, language, time), and is judged by that whenever its contact turns out to be another: what is
 * known late leads to the same queue as what is known at once. Where there are no rules it does nothing.
 *
 * Deferred triggers see to the rest: when company, level or products of a contact change, or a conversation moves to another contact, open conversations are
 * judged again at the end of the transaction, and `conversation.updated` tells of a difference. Contacts are locked before their conversations, by id.
 */
export const ROUTING = `
create function routing_rules() returns jsonb language plpgsql stable as $$
begin
  return (select s.value->'rules' from setting s where s.name = 'routing' and s.value->'rules' <> '[]');
end
$$;

create function hours_open(p_hours jsonb, p_at timestamptz) returns boolean language sql stable as $$
  select exists (
    select 1 from (select p_at at time zone (p_hours->>'zone') as wall) now
    cross join lateral (values (now.wall::date), (now.wall::date - 1)) began (day)
    cross join lateral jsonb_array_elements_text(
      p_hours->'weekly'->(array['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])[extract(isodow from began.day)::int]) span
    cross join lateral (select split_part(span, '-', 1)::time as opens, split_part(span, '-', 2)::time as closes) at
    where not p_hours->'closed' ? to_char(began.day, 'YYYY-MM-DD')
      and now.wall >= began.day + opens and now.wall < began.day + closes + case when closes < opens then interval '1 day' else interval '0' end)
$$;

create function texts_of(j jsonb) returns text[] language sql immutable as $$
  select array_agg(x #>> '{}') from jsonb_array_elements(case jsonb_typeof(j) when 'array' then j else jsonb_build_array(j) end) x
  where jsonb_typeof(x) in ('string', 'number')
$$;

create function routing_facts(p_contact text, p_account text, p_metadata jsonb, p_language text, p_at timestamptz) returns jsonb language plpgsql stable as $$
declare
  person contact;
  k company;
begin
  select * into person from contact where id = p_contact;
  select * into k from company where id = person.company_id;
  return jsonb_build_object(
    'level', array_remove(array[k.level] || texts_of(person.metadata->'level'), null),
    'company', array_remove(array[k.id, k.external_id, k.name], null),
    'channel', array(select a.type from account a where a.id = p_account),
    'account', array_remove(array[p_account], null),
    'product', coalesce(k.products, '{}') || texts_of(person.metadata->'product') || texts_of(person.metadata->'products') || texts_of(p_metadata->'product'),
    'questionType', coalesce(texts_of(p_metadata->'questionType'), '{}'),
    'language', array_remove(array[p_language], null),
    'hours', array(select h.key from setting s cross join lateral jsonb_each(s.value->'hours') h where s.name = 'routing' and hours_open(h.value, p_at) order by h.key));
end
$$;

create function routing_found(p_condition text, p_facts jsonb) returns jsonb language sql immutable as $$
  select coalesce(p_facts->(case when p_condition in ('during', 'outside') then 'hours' else p_condition end), '[]')
$$;

create function routing_holds(p_condition text, p_expected jsonb, p_facts jsonb) returns boolean language sql immutable as $$
  select (routing_found(p_condition, p_facts) ?| array(select jsonb_array_elements_text(p_expected))) <> (p_condition = 'outside')
$$;

create function routing_matches(p_when jsonb, p_facts jsonb) returns boolean language sql immutable as $$
  select not exists (select 1 from jsonb_each(p_when) w where not routing_holds(w.key, w.value, p_facts))
$$;

create function route(p_facts jsonb) returns jsonb language sql stable as $$
  select jsonb_build_object('rule', r->'name', 'set', r->'set') from jsonb_array_elements(routing_rules()) with ordinality e(r, n)
  where routing_matches(r->'when', p_facts) order by n limit 1
$$;

create function explain_routing(p_facts jsonb) returns jsonb language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('name', r->'name', 'matches', routing_matches(r->'when', p_facts), 'conditions', (
      select coalesce(jsonb_agg(jsonb_build_object('fact', w.key, 'expected', w.value, 'found', routing_found(w.key, p_facts),
        'holds', routing_holds(w.key, w.value, p_facts))), '[]')
      from jsonb_each(r->'when') w)) order by n), '[]')
  from jsonb_array_elements(routing_rules()) with ordinality e(r, n)
$$;

create function opening_of(c conversation, out contact_id text, out account text, out metadata jsonb, out language text, out at timestamptz) language sql stable as $$
  select c.contact_id, coalesce(c.routing->>'account', (select t.account_id from thread t where t.id = c.last_thread_id)), c.metadata, c.routing->>'language',
    coalesce((c.routing->>'at')::timestamptz, c.created_at)
$$;

create function route_conversation(p_id text, p_opening jsonb default null) returns text[] language plpgsql as $$
declare
  c conversation;
  was conversation;
  chosen jsonb;
  hints jsonb;
begin
  if routing_rules() is null then return '{}'; end if;
  select * into was from conversation where id = p_id for update;
  c := was;
  c.routing := coalesce(p_opening || jsonb_build_object('tags', coalesce(was.routing->'tags', '[]')), was.routing, '{}');
  select route(routing_facts(o.contact_id, o.account, o.metadata, o.language, o.at)) into chosen from opening_of(c) o;
  hints := coalesce(chosen->'set', '{}');
  c.routing := c.routing || jsonb_build_object('rule', chosen->'rule', 'tags', '[]'::jsonb);
  if 'priority' <> all (c.set_by_hand) then c.priority := coalesce(hints->>'priority', 'normal'); end if;
  if 'queue' <> all (c.set_by_hand) then c.queue := hints->>'queue'; end if;
  if 'tags' <> all (c.set_by_hand) then
    c.tags := array(select x from unnest(was.tags) x where not coalesce(was.routing->'tags', '[]') ? x);
    c.routing := jsonb_set(c.routing, '{tags}', to_jsonb(array(select x from jsonb_array_elements_text(hints->'tags') x where x <> all (c.tags))));
    c.tags := c.tags || texts_of(c.routing->'tags');
  end if;
  if (c.priority, c.queue, c.tags) is distinct from (was.priority, was.queue, was.tags) then
    update conversation set priority = c.priority, queue = c.queue, tags = c.tags, routing = c.routing where id = p_id;
  elsif c.routing is distinct from was.routing then
    update conversation set routing = c.routing where id = p_id;
  end if;
  return array_remove(array[
    case when c.priority <> was.priority then 'priority' end,
    case when c.queue is distinct from was.queue then 'queue' end,
    case when c.tags <> was.tags then 'tags' end], null);
end
$$;

create function reroute(p_conversation text) returns void language plpgsql as $$
declare
  changes text[] := route_conversation(p_conversation);
  v_contact text;
begin
  if changes = '{}' then return; end if;
  select k.id into v_contact from conversation c join contact k on k.id = c.contact_id where c.id = p_conversation and not k.blocked;
  if found then
    perform emit('conversation.updated', p_conversation, v_contact, null, jsonb_build_object('changes', changes), clock_timestamp());
  end if;
end
$$;

create function reroute_contact(p_contact text) returns void language plpgsql as $$
declare v_id text;
begin
  perform 1 from contact where id = p_contact for no key update; -- whoever opens a conversation of theirs now is waited for
  for v_id in select id from conversation where contact_id = p_contact and status <> 'closed' order by id loop
    perform reroute(v_id);
  end loop;
end
$$;

-- Those of a large company in the background, see \`company_change\`.
create function reroute_people(p_contacts text[]) returns void language plpgsql as $$
declare v_id text;
begin
  if routing_rules() is null or put_off('routed', p_contacts) then return; end if;
  foreach v_id in array p_contacts loop
    perform reroute_contact(v_id);
  end loop;
end
$$;

create function reroute_of_company() returns trigger language plpgsql as $$
begin
  perform reroute_people(array(select c.id from contact c where c.company_id = new.id order by c.id));
  return null;
end
$$;
create constraint trigger reroute_of_company after update of level, products, name, external_id on company deferrable initially deferred
for each row when ((old.level, old.products, old.name, old.external_id) is distinct from (new.level, new.products, new.name, new.external_id))
execute function reroute_of_company();

create function reroute_of_contact() returns trigger language plpgsql as $$
begin
  if routing_rules() is not null then perform reroute_contact(new.id); end if;
  return null;
end
$$;
create constraint trigger reroute_of_contact after update of company_id, metadata on contact deferrable initially deferred
for each row when ((old.company_id, old.metadata) is distinct from (new.company_id, new.metadata)
  and (new.company_id is not null or pg_trigger_depth() = 0)) -- whose company is deleted, \`delete_company\` sees to
execute function reroute_of_contact();

create function reroute_of_conversation() returns trigger language plpgsql as $$
begin
  if routing_rules() is not null and exists (select 1 from conversation c where c.id = new.id and c.status <> 'closed') then
    perform reroute(new.id);
  end if;
  return null;
end
$$;
create constraint trigger reroute_of_conversation after update of contact_id on conversation deferrable initially deferred
for each row when (old.contact_id <> new.contact_id) execute function reroute_of_conversation();
`;
