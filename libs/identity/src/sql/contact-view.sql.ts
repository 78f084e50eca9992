/**
 * `contact_view(id)`: a contact as the stream shows it (CONTRACT section 3).
 *
 * It is kept beside the contact (`contact.view`), so that a message need not put it together: null means that something changed which it shows, and whoever
 * needs it next draws it anew (`draw_contact`). Triggers see to that, whichever way the change takes.
 */
export const CONTACT_VIEW = `
create function draw_contact(c contact) returns jsonb language plpgsql stable as $$
begin
  return jsonb_build_object(
    'id', c.id,
    'name', c.name,
    'handles', (
      select coalesce(jsonb_agg(jsonb_build_object('scheme', h.scheme, 'scope', h.scope, 'value', h.value, 'proof', h.proof) order by h.created_at, h.id), '[]')
      from ( -- two who were joined may both have claimed what one of them proved
        select distinct on (k.scheme, k.scope, k.value) k.* from handle k where k.contact_id = c.id
        order by k.scheme, k.scope, k.value, k.proof = 'claimed', k.created_at, k.id) h),
    'company', (
      select jsonb_build_object('id', k.id, 'name', k.name, 'level', k.level, 'products', k.products) from company k where k.id = c.company_id),
    'crm', c.crm);
end
$$;

create function contact_view(p_id text) returns jsonb language plpgsql stable as $$
begin
  return (select coalesce(c.view, draw_contact(c)) from contact c where c.id = p_id);
end
$$;

create function contact_changed() returns trigger language plpgsql as $$
begin
  new.view := null;
  return new;
end
$$;
create trigger contact_changed before update of name, company_id, crm on contact for each row execute function contact_changed();

create function handle_changed() returns trigger language plpgsql as $$
begin
  perform 1 from contact where id in (old.contact_id, new.contact_id) order by id for no key update; -- whoever draws it now is waited for
  update contact set view = null where id in (old.contact_id, new.contact_id) and view is not null;
  return null;
end
$$;
create trigger handle_changed after insert or update of contact_id, value, proof or delete on handle for each row execute function handle_changed();

create function company_changed() returns trigger language plpgsql as $$
begin
  perform 1 from contact where company_id = new.id order by id for no key update; -- likewise
  update contact set view = null where company_id = new.id and view is not null;
  return null;
end
$$;
create trigger company_changed after update of name, level, products on company for each row
when ((old.name, old.level, old.products) is distinct from (new.name, new.level, new.products)) execute function company_changed();
`;
