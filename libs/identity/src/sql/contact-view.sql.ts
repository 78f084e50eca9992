/** `contact_view(id)`: a contact as the stream shows it (CONTRACT section 3). */
export const CONTACT_VIEW = `
create function contact_view(p_id text) returns jsonb language plpgsql stable as $$
begin
  return (select jsonb_build_object(
    'id', c.id,
    'name', c.name,
    'handles', (
      select coalesce(jsonb_agg(jsonb_build_object('scheme', h.scheme, 'scope', h.scope, 'value', h.value, 'proof', h.proof) order by h.created_at, h.id), '[]')
      from handle h where h.contact_id = c.id),
    'company', (
      select jsonb_build_object('id', k.id, 'name', k.name, 'level', k.level) from company k where k.id = c.company_id),
    'crm', c.crm)
  from contact c where c.id = p_id);
end
$$;`;
