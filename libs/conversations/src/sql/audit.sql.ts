/**
 * `audit`: which key called what, about which of our ids, with which end. No bodies and no values of queries. Entries are chained a moment after they are written:
 * `seal_audit(limit)` gives those that have none yet a `link`, without gaps, and a hash that covers the one before; it returns how many, and does nothing where
 * somebody else is at it. `audit_chain` knows both ends: what was before the first link that is kept, and the last.
 *
 * `verify_audit(after, hash, limit)`: goes along the next links after one whose hash is known, and stops at the first that is missing or does not match (`bad`).
 * `prune_audit(seconds, limit)`: forgets the oldest links as long as they are older than that; returns how many.
 */
export const AUDIT = `
create table audit (
  position bigint generated always as identity primary key,
  at timestamptz not null,
  key_id text not null,
  action text not null,
  targets text[] not null,
  parameters text[] not null,
  status int not null,
  request_id text,
  link bigint,
  hash text
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);
create unique index audit_link on audit (link) where link is not null;
create index audit_unsealed on audit (position) where link is null;
create index audit_key on audit (key_id, link);
create index audit_targets on audit using gin (targets);

create table audit_chain (
  one boolean primary key default true check (one),
  first_link bigint not null default 0,
  first_hash text not null default '',
  last_link bigint not null default 0,
  last_hash text not null default ''
) with (fillfactor = 50);

create function audit_hash(p_before text, p_link bigint, a audit) returns text language sql stable as $$
  select encode(sha256(convert_to(jsonb_build_array(p_before, p_link, a.position, extract(epoch from a.at), a.key_id, a.action, to_jsonb(a.targets),
    to_jsonb(a.parameters), a.status, a.request_id)::text, 'utf8')), 'hex')
$$;

create function seal_audit(p_limit int) returns int language plpgsql as $$
declare
  c audit_chain;
  a audit;
  n int := 0;
begin
  select * into c from audit_chain for update skip locked;
  if not found then -- the first time, or somebody else is at it
    insert into audit_chain default values on conflict do nothing returning * into c;
    if not found then return 0; end if;
  end if;
  for a in select * from audit where link is null order by position limit p_limit loop
    n := n + 1;
    c.last_link := c.last_link + 1;
    c.last_hash := audit_hash(c.last_hash, c.last_link, a);
    update audit set link = c.last_link, hash = c.last_hash where position = a.position;
  end loop;
  if n > 0 then update audit_chain set last_link = c.last_link, last_hash = c.last_hash; end if;
  return n;
end
$$;

create function verify_audit(inout p_link bigint, inout p_hash text, p_limit int, out checked int, out bad bigint, out fault text) language plpgsql stable as $$
declare
  a audit;
begin
  checked := 0;
  for a in select * from audit where link > p_link order by link limit p_limit loop
    if a.link <> p_link + 1 then
      bad := p_link + 1;
      fault := 'missing';
      return;
    elsif a.hash is distinct from audit_hash(p_hash, a.link, a) then
      bad := a.link;
      fault := 'changed';
      return;
    end if;
    p_link := a.link;
    p_hash := a.hash;
    checked := checked + 1;
  end loop;
end
$$;

create function prune_audit(p_seconds float8, p_limit int) returns int language plpgsql as $$
declare
  c audit_chain;
  a record;
  n int := 0;
begin
  select * into c from audit_chain for update skip locked;
  if not found then return 0; end if;
  for a in select x.link, x.hash, x.at from audit x where x.link > c.first_link order by x.link limit p_limit loop
    exit when a.at >= statement_timestamp() - make_interval(secs => p_seconds) or a.link <> c.first_link + 1;
    c.first_link := a.link;
    c.first_hash := a.hash;
    n := n + 1;
  end loop;
  if n > 0 then
    delete from audit x where x.link <= c.first_link;
    update audit_chain set first_link = c.first_link, first_hash = c.first_hash;
  end if;
  return n;
end
$$;
`;
