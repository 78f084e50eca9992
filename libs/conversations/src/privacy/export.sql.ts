/** The contact and whoever was merged into it; null where there is none, or it was merged away. */
export const PEOPLE = `select people_of(c.id) as ids from contact c where c.id = $1 and c.merged_into is null`;

export const CONTACTS = `select c.id = $1 as present, jsonb_build_object(
    'id', c.id, 'name', c.name, 'company', (select jsonb_build_object('id', k.id, 'name', k.name, 'level', k.level) from company k where k.id = c.company_id),
    'crm', c.crm, 'metadata', c.metadata, 'blocked', c.blocked, 'mergedInto', c.merged_into, 'createdAt', iso(c.created_at), 'updatedAt', iso(c.updated_at)) as item
  from contact c where c.id = any ($2) order by c.id <> $1, c.id`;

export const HANDLES = `select jsonb_build_object('id', h.id, 'contactId', h.contact_id, 'scheme', h.scheme, 'scope', h.scope, 'value', h.value, 'proof', h.proof,
    'source', coalesce(h.source, 'account:' || h.claimed_on), 'createdAt', iso(h.created_at), 'provenAt', iso(h.proven_at)) as item
  from handle h where h.contact_id = any ($1) order by h.created_at, h.id`;

export const HANDLE_CHANGES = `select jsonb_build_object('id', c.id, 'contactId', c.contact_id, 'what', c.what, 'handle', c.handle, 'source', c.source, 'proof', c.proof,
    'by', c.by, 'since', iso(c.since), 'at', iso(c.at)) as item
  from handle_change c where c.contact_id = any ($1) or c.handle_id in (select h.id from handle h where h.contact_id = any ($1)) order by c.at, c.id`;

export const MERGES = `select jsonb_build_object('id', m.id, 'survivorId', m.survivor_id, 'mergedId', m.merged_id, 'reason', m.reason, 'by', m.by, 'moved', m.moved,
    'createdAt', iso(m.created_at), 'undoneAt', iso(m.undone_at), 'undoneBy', m.undone_by) as item
  from merge m where m.survivor_id = any ($1) or m.merged_id = any ($1) order by m.created_at, m.id`;

export const CONFLICTS = `select jsonb_build_object('id', f.id, 'handle', f.handle, 'contactIds', to_jsonb(f.contact_ids), 'resolution', f.resolution,
    'resolvedBy', f.resolved_by, 'createdAt', iso(f.created_at), 'resolvedAt', iso(f.resolved_at)) as item
  from contact_conflict f where f.contact_ids && $1 order by f.created_at, f.id`;

export const THREADS = `select jsonb_build_object('id', t.id, 'contactId', t.contact_id, 'accountId', t.account_id, 'channel', a.type, 'externalId', t.external_id,
    'handles', t.handles, 'optedOutAt', iso(t.opted_out_at), 'refusedAt', iso(t.refused_at), 'lastInboundAt', iso(t.last_inbound_at), 'createdAt', iso(t.created_at)) as item
  from thread t left join account a on a.id = t.account_id where t.contact_id = any ($1) order by t.created_at, t.id`;

export const INTRODUCTIONS = `select jsonb_build_object('accountId', i.account_id, 'thread', i.thread, 'answers', i.answers, 'proven', i.proven, 'updatedAt', iso(i.updated_at)) as item
  from introduction i where (i.account_id, i.thread) in (
    select t.account_id, t.external_id from thread t where t.contact_id = any ($1) union select h.scope, h.value from handle h where h.contact_id = any ($1) and h.scheme = 'visitor')
  order by i.account_id, i.thread`;

export const PARKED = `select jsonb_build_object('id', p.id, 'accountId', p.account_id, 'stage', p.stage, 'input', p.input, 'error', p.error, 'createdAt', iso(p.created_at)) as item
  from poison p where tells_of(p.input, p.error, handles_held($1), names_of($1)) order by p.id`;

export const IMPORTS = `select jsonb_build_object('importId', r.import_id, 'row', r.row, 'data', r.data, 'errors', r.errors) as item
  from import_row r where r.errors is not null and (r.subject = any ($1) or tells_of(r.data, r.errors::text, handles_held($1), names_of($1)))
  order by r.import_id, r.row`;

export const CODES = `select jsonb_build_object('id', c.id, 'purpose', c.purpose, 'scheme', c.scheme, 'value', c.value, 'accountId', c.account_id,
    'createdAt', iso(c.created_at), 'usedAt', iso(c.used_at)) as item
  from code c where c.value = any (names_of($1)) or c.subject = any ($1) order by c.created_at, c.id`;

/** After one id, in order of their making. */
export const CONVERSATIONS = `select c.id, conversation_view(c) || jsonb_build_object('routing', c.routing, 'closedAt', iso(c.closed_at)) as item
  from conversation c where c.contact_id = any ($1) and c.id > $2 order by c.id limit $3`;

/** Of one conversation, after a sequence; the units, and which files, with it. */
export const MESSAGES = {
  name: 'export_messages',
  text: `select m.id, m.sequence, message_view(m) as message, jsonb_build_object('deletedAt', iso(m.deleted_at), 'units', coalesce((
      select jsonb_agg(jsonb_build_object('id', u.id, 'index', u.index, 'count', u.count, 'accountId', u.account_id, 'threadId', u.thread_id, 'content', u.content,
        'status', u.status, 'failure', u.failure, 'externalIds', to_jsonb(u.external_ids), 'superseded', u.superseded, 'updatedAt', iso(u.updated_at)) order by u.index, u.id)
      from unit u where u.message_id = m.id), '[]'), 'traffic', coalesce((
      select jsonb_agg(jsonb_build_object('direction', t.direction, 'exchange', t.exchange, 'at', iso(t.created_at)) order by t.position)
      from trace t where t.message_id = m.id), '[]')) as more
    from message m where m.conversation_id = $1 and m.sequence > $2 order by m.sequence limit $3`,
};

/** Messages of theirs that stand in conversations of others, after one id. */
export const ELSEWHERE = `select m.id, m.sequence, message_view(m) as message, jsonb_build_object('deletedAt', iso(m.deleted_at), 'units', '[]'::jsonb, 'traffic', '[]'::jsonb) as more
  from messages_elsewhere($1) m where m.id > $2 order by m.id limit $3`;

const FILE = `jsonb_build_object('id', f.id, 'name', f.name, 'mimeType', f.mime_type, 'bytes', f.bytes, 'width', f.width, 'height', f.height, 'durationMs', f.duration_ms,
  'sha256', f.sha256, 'state', f.state, 'reason', f.reason, 'createdAt', iso(f.created_at))`;
export const FILES = {
  name: 'export_files',
  text: `select m.id as "messageId", f.id, f.state, ${FILE} as item from unnest($1::text[]) m (id)
    join file f on f.message_id = m.id or f.id in (select x.file_id from file_use x where x.message_id = m.id) order by m.id, f.id`,
};
export const UPLOADS = `select null as "messageId", f.id, f.state, ${FILE} as item from file f
  where f.message_id is null and f.owner in (select 'visitor:' || h.value from handle h where h.contact_id = any ($1) and h.scheme = 'visitor') order by f.id`;

/** Of one conversation, after a sequence. */
export const EVENTS = {
  name: 'export_events',
  text: `select e.id, e.type, e.sequence, e.data, e.created_at, coalesce(e.sequence, 0) as place from event e
    where e.conversation_id = $1 and e.sequence > $2 order by e.sequence limit $3`,
};
/** Of the contacts themselves, after a position. */
export const CONTACT_EVENTS = {
  name: 'export_contact_events',
  text: `select e.id, e.type, e.sequence, e.data, e.created_at, e.position as place from event e
    where e.conversation_id is null and e.contact_id = any ($1) and e.position > $2 order by e.position limit $3`,
};
export const DELIVERIES = {
  name: 'export_deliveries',
  text: `select jsonb_build_object('destinationId', d.destination_id, 'eventId', d.event_id, 'state', d.state, 'attempts', d.attempts, 'failure', d.failure,
      'settledAt', iso(d.settled_at)) as item
    from unnest($1::text[]) e (id) cross join destination x join delivery d on d.destination_id = x.id and d.event_id = e.id order by d.event_id, d.destination_id`,
};
