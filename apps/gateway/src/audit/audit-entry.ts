import type { AuditEntry } from '#conversations';
import type { CallingRequest, Endpoint } from '../api/core/endpoint.js';

const ID = /^[a-z]{3}_[0-9a-f]{32}$/;
/** Names that operators gave to accounts and destinations. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const NAMED = /^\/v1\/(accounts|destinations|channels|keys)\//;
/** Of an answer only these say whom it was about. */
const SUBJECT = /^(con|cnv)_[0-9a-f]{32}$/;
const MEMBERS = ['id', 'contactId', 'conversationId'] as const;

/** What is written down of a call: ids and names of parameters, nothing that anybody wrote. */
export function auditEntry(
  spec: Pick<Endpoint, 'method' | 'path'>,
  request: CallingRequest,
  { status, answer }: { status: number; answer?: unknown },
): AuditEntry {
  return {
    at: Date.now(),
    keyId: request.caller?.id ?? 'none',
    action: `${spec.method} ${spec.path}`,
    targets: [...new Set([...asked(spec, request, status), ...answered(answer)])],
    parameters: Object.keys((request.query as object | undefined) ?? {}).filter((name) =>
      /^[A-Za-z]{1,40}$/.test(name),
    ),
    status,
    requestId: request.id,
  };
}

/** Ids in path and query. Anything else there may be an address; a name of the operator's only where it led to something. */
function* asked(
  { path }: Pick<Endpoint, 'path'>,
  { params, query }: CallingRequest,
  status: number,
): Generator<string> {
  const known = NAMED.test(path) && status < 400;
  for (const [name, value] of Object.entries({ ...(query as object), ...(params as object) })) {
    if (typeof value === 'string' && (ID.test(value) || (known && name === 'id' && NAME.test(value)))) yield value;
  }
}

function* answered(answer: unknown): Generator<string> {
  if (typeof answer !== 'object' || answer === null) return;
  const items: unknown = (answer as { items?: unknown }).items;
  for (const one of Array.isArray(items) ? (items as unknown[]) : [answer]) {
    if (typeof one !== 'object' || one === null) continue;
    for (const member of MEMBERS) {
      const value: unknown = (one as Record<string, unknown>)[member];
      if (typeof value === 'string' && SUBJECT.test(value)) yield value;
    }
  }
}
