/**
 * What became of handles: the journal shows it after the handle itself is another, or gone.
 *
 * `note_handle(handle, what, by, proof)` keeps a handle as it was: before it was `removed`, before another contact got it (`moved`), or before its proof was
 * `raised`, to `proof`. A raised proof is noted by itself, whichever way it comes. A merge changes no handle, only who the person is; it has a journal of its own.
 *
 * `handle_since(handle)`: since when whoever has it has it, but for merges.
 */
export const HANDLE_CHANGE = `
create table handle_change (
  id text primary key,
  handle_id text not null,
  contact_id text not null,
  what text not null check (what in ('raised', 'removed', 'moved')),
  handle jsonb not null,
  source text,
  since timestamptz not null,
  proof text,
  by text,
  at timestamptz not null
);
create index handle_change_contact on handle_change (contact_id);
create index handle_change_handle on handle_change (handle_id);

create function handle_since(h handle) returns timestamptz language sql stable as $$
  select coalesce(max(c.at), h.created_at) from handle_change c where c.handle_id = h.id and c.what = 'moved'
$$;

create function note_handle(h handle, p_what text, p_by text, p_proof text default null) returns void language sql volatile as $$
  insert into handle_change (id, handle_id, contact_id, what, handle, source, since, proof, by, at)
  values (new_id('hch'), h.id, h.contact_id, p_what, jsonb_build_object('scheme', h.scheme, 'scope', h.scope, 'value', h.value, 'proof', h.proof), h.source,
    handle_since(h), p_proof, p_by, clock_timestamp())
$$;

create function handle_raised() returns trigger language plpgsql as $$
begin
  perform note_handle(old, 'raised', new.source, new.proof);
  return null;
end
$$;
create trigger handle_raised after update of proof on handle for each row when (old.proof <> new.proof) execute function handle_raised();
`;
