/**
 * `code`: the one-time codes of the last day, as what they hash to. `subject` is who asked, `sender` whence (a keyed hash of an address). One without a `hash` was
 * never sent, and nothing that is typed is right for it.
 *
 * `introduction`: what a visitor of a web chat said in the form before the first message, and which addresses they proved, until that message is stored.
 *
 * `ask_code(code, limits)`: notes a code that is to be sent. `wait_s` is how long this asker, or everybody, must wait (nothing is noted then). Whether the handle has
 * been sent enough codes for today is told by `wanted` alone, to the server and not to who asked: the row is noted without its hash. Requests are counted one after
 * the other, so that limits hold over all processes.
 */
export const CODE = `
create table code (
  id text primary key,
  purpose text not null,
  subject text not null,
  scheme text not null,
  value text not null,
  account_id text not null,
  sender text,
  hash text,
  attempts int not null default 0,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz
);
create index code_handle on code (scheme, value, created_at);
create index code_subject on code (subject, created_at);
create index code_sender on code (sender, created_at) where sender is not null;
create index code_created on code (created_at);

create table introduction (
  account_id text not null,
  thread text not null,
  answers jsonb not null default '{}',
  proven jsonb not null default '[]',
  version int not null default 1,
  updated_at timestamptz not null default now(),
  primary key (account_id, thread)
);
create index introduction_updated on introduction (updated_at);

create function ask_code(p jsonb, p_limits jsonb, out wanted boolean, out wait_s float8) language plpgsql as $$
declare
  v_now timestamptz := clock_timestamp();
  v_since timestamptz := v_now - interval '1 hour';
begin
  perform pg_advisory_xact_lock(hashtextextended('codes', 17));
  delete from code c where c.created_at < v_now - interval '1 day';
  select max(extract(epoch from x.oldest - v_since)) into wait_s from (
    select count(*) as n, min(c.created_at) as oldest, 'subject' as of from code c where c.subject = p->>'subject' and c.created_at > v_since
    union all select count(*), min(c.created_at), 'sender' from code c where c.sender = p->>'sender' and c.created_at > v_since
    union all select count(*), min(c.created_at), 'everybody' from code c where c.created_at > v_since and c.hash is not null) x
  where x.n >= (p_limits->>x.of)::int;
  wanted := wait_s is null and (
    select count(*) from code c where c.scheme = p->>'scheme' and c.value = p->>'value' and c.hash is not null) < (p_limits->>'handle')::int;
  insert into code (id, purpose, subject, scheme, value, account_id, sender, hash, created_at, expires_at)
  select p->>'id', p->>'purpose', p->>'subject', p->>'scheme', p->>'value', p->>'accountId', p->>'sender', case when wanted then p->>'hash' end, v_now,
    v_now + make_interval(secs => (p->>'lifeS')::float8)
  where wait_s is null;
end
$$;
`;
