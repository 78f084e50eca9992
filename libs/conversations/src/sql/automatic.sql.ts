/**
 * How often bots answer somebody (`Capabilities.automaticPerHour`). `count_automatic(thread, per_hour, news)`: takes the turn of one answer in the caller's transaction; null
 * where it may go, else when the next one may. `news`, what a bot begins of itself, always may but where the person wrote since the last turn: then it is an answer by another name. Counted for each person of an account, over all of their threads, whoever stores it at the same moment. Who it is
 * stands here as a hash, for an hour.
 */
export const AUTOMATIC = `
create table automatic_answer (
  person text primary key,
  at timestamptz[] not null,
  last timestamptz not null
);
create index automatic_answer_last on automatic_answer (last);

create function count_automatic(p_thread text, p_per_hour int, p_news boolean default false) returns timestamptz language plpgsql as $$
declare
  t thread := (select o from thread o where o.id = p_thread);
  v_person text := session_hash('automatic', t.account_id, coalesce(t.handles->0->>'scheme' || ':' || (t.handles->0->>'value'), t.external_id));
  v_at timestamptz[];
  v_now timestamptz;
begin
  insert into automatic_answer as a (person, at, last) values (v_person, '{}', clock_timestamp())
  on conflict (person) do update set person = excluded.person returning a.at into v_at;
  v_now := clock_timestamp();
  v_at := array(select x from unnest(v_at) x where x > v_now - interval '1 hour' order by x);
  if cardinality(v_at) >= p_per_hour and (not p_news or exists (
    select 1 from thread o
    cross join lateral (select m.received_at from message m where m.thread_id = o.id and m.direction = 'inbound' order by m.thread_sequence desc limit 1) last
    where o.contact_id = t.contact_id and o.account_id = t.account_id and last.received_at > v_at[cardinality(v_at)])) then
    return v_at[cardinality(v_at) - p_per_hour + 1] + interval '1 hour';
  end if;
  update automatic_answer set at = v_at || v_now, last = v_now where person = v_person;
  return null;
end
$$;
`;
