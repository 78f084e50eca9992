/**
 * What contacts and companies are found by: any part of a name or of a handle's value, any case.
 *
 * `grams(text)`: every two characters that stand side by side, in lower case, and every character beyond ASCII by itself (names of two or three characters are
 * looked for by one). A text holds another only if its grams hold the other's; a GIN index over them finds candidates, and whoever asks compares them with
 * `position`. It needs no extension: many servers allow none, and `pg_trgm` finds no name of two characters.
 */
export const SEARCH = `
create function grams(p_text text) returns text[] language plpgsql immutable strict parallel safe as $$
declare
  c text[] := string_to_array(lower(p_text), null);
  g text[] := '{}';
begin
  for i in 1 .. cardinality(c) loop
    if ascii(c[i]) > 127 then g := g || c[i]; end if;
    if i > 1 then g := g || (c[i - 1] || c[i]); end if;
  end loop;
  return g;
end
$$;
create index contact_name_part on contact using gin (grams(name)) where name is not null;
create index contact_blocked on contact (id) where blocked;
create index handle_value_part on handle using gin (grams(value));
create index company_name_part on company using gin (grams(name));
create index company_name on company (lower(name));
create index company_level on company (level) where level is not null;
`;
