import { listAudit, verifyAudit } from '#conversations';
import type { Database } from '#database';
import { Controller, Inject } from '@nestjs/common';
import { z } from 'zod';
import { AuditLog } from '../../audit/audit-log.js';
import { DATABASE } from '../../tokens.js';
import { Called, endpoint, type Call } from '../core/endpoint.js';
import { limit, pageOf } from '../core/page.js';
import { Serves } from '../core/serves.js';
import { AuditRecord, AuditVerdict } from '../schemas/privacy.js';

const tag = 'Privacy';
const scope = 'audit:read' as const;
const link = z.coerce.number<string>().int().min(0);

const list = endpoint({
  method: 'GET',
  path: '/v1/audit',
  scope,
  tag,
  summary: 'Who read or changed what',
  description:
    'Every call of the API by a valid key, the refused ones too, in the order of the chain. An entry is in it a second or two after the call. Those of a contact are about the contact, ' +
    'whoever was merged into it, or a conversation of theirs, also after they were erased. Whoever pulls `/v1/events` reads everything; the entry names nobody.',
  query: z.strictObject({
    contactId: z.string().max(200).optional(),
    keyId: z.string().max(200).optional(),
    after: link.default(0).describe('The `next` of the previous page: a link of the chain.'),
    limit,
  }),
  status: 200,
  answer: pageOf(AuditRecord),
});
const verify = endpoint({
  method: 'GET',
  path: '/v1/audit/verify',
  scope,
  tag,
  summary: 'Is the audit log as it was written?',
  description:
    'Goes along the whole chain that is kept, and names the first entry that was changed or taken out. Keep the `head` of the answer outside of the database and give it the next time: ' +
    'a chain that was made anew, or cut off at its end, matches itself and not what you hold.',
  query: z.strictObject({
    link: link.optional(),
    hash: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional()
      .describe('Of a `head` noted before, with its link.'),
  }),
  status: 200,
  answer: AuditVerdict,
});

@Controller()
export class AuditController {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(AuditLog) private readonly audit: AuditLog,
  ) {}

  @Serves(list)
  async list(@Called() { sql, query }: Call<typeof list>) {
    await this.audit.flush();
    const rows = await listAudit(sql, { ...query, limit: query.limit + 1 });
    const items = rows.slice(0, query.limit);
    return { items, next: rows.length > query.limit ? String(items.at(-1)!.link) : null };
  }

  @Serves(verify)
  verify(@Called() { query: { link, hash } }: Call<typeof verify>) {
    return verifyAudit(this.database, link === undefined || hash === undefined ? undefined : { link, hash });
  }
}
