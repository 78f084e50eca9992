import type { Sql } from '#database';
import type { Contact, Handle } from '#normalizer';

/** Another contact who may be the same person, and why. */
export interface Suggestion {
  readonly contact: Contact;
  /** Handles that both have; `proof` is this contact's, `theirs` the other's. At most one of the two is proven. */
  readonly handles: (Handle & { theirs: Handle['proof'] })[];
}

/** Whoever has what this contact claims, or claims what this contact has; the best proven first. Pairs whom a person kept apart, or who cannot be one, are left out. */
const SUGGEST = `
  select contact_view(o.contact_id) as contact, o.handles from (
    select t.contact_id, max(case t.proof when 'verified' then 2 when 'channel' then 1 else 0 end) as rank,
      jsonb_agg(distinct jsonb_build_object('scheme', m.scheme, 'scope', m.scope, 'value', m.value, 'proof', m.proof, 'theirs', t.proof)) as handles
    from handle m join handle t on t.value = m.value and t.scheme = m.scheme and t.scope = m.scope and t.contact_id <> m.contact_id
    where m.contact_id = $1 group by t.contact_id) o
  join contact c on c.id = o.contact_id and c.merged_into is null
  where not are_two($1, o.contact_id)
    and not exists (select 1 from contact_conflict f where f.resolution = 'kept' and f.contact_ids = array[least($1, o.contact_id), greatest($1, o.contact_id)])
  order by o.rank desc, o.contact_id limit $2`;

/** Most contacts that are suggested for one: beyond it a handle says nothing (a switchboard, a shared mailbox). */
const MOST = 20;

export function suggestLinks(sql: Sql, contactId: string): Promise<Suggestion[]> {
  return sql.query<Suggestion & Record<string, unknown>>(SUGGEST, [contactId, MOST]);
}
