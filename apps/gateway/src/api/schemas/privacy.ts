import { ERASURE_REASONS } from '#conversations';
import { AccountRef, Contact, Conversation, Handle, Message, StreamEvent } from '#normalizer';
import { z } from 'zod';
import { time } from './elements.js';

const free = z.record(z.string(), z.unknown());
const id = z.string();

export const EraseInput = z
  .strictObject({
    reason: z
      .enum(ERASURE_REASONS)
      .optional()
      .describe('`request`: the person asked. `retention`: what is kept has an end. `legal`: the law demands it.'),
    reference: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,64}$/)
      .optional()
      .describe('Of the case, as you keep it elsewhere. It stays in the proof: never a name or an address.'),
  })
  .meta({ id: 'EraseInput' });

export const ErasureRecord = z
  .object({
    id,
    at: time,
    by: z.string().describe('The key that asked for it.'),
    reason: z.enum(ERASURE_REASONS).nullable(),
    reference: z.string().nullable(),
    contactIds: z.array(id).describe('The contact, and those that had been merged into it.'),
    conversationIds: z.array(id),
    counts: z.record(z.string(), z.int()).describe('What went, by kind.'),
    previous: z.string().describe('Hash of the record before; empty for the first.'),
    hash: z
      .string()
      .describe(
        'SHA-256 in hex over the JSON array of previous, id, contactIds, conversationIds, by, reason, reference, counts and at, as PostgreSQL writes `jsonb`.',
      ),
  })
  .meta({ id: 'Erasure' });

const ExportedFile = z
  .object({
    id,
    name: z.string().nullable(),
    mimeType: z.string(),
    bytes: z.int().nullable(),
    width: z.int().nullable(),
    height: z.int().nullable(),
    durationMs: z.int().nullable(),
    sha256: z.string().nullable(),
    state: z.enum(['pending', 'ready', 'unavailable']),
    reason: z.string().nullable(),
    createdAt: time,
    content: z.base64().optional().describe('The bytes, with `files=inline`.'),
    url: z.string().optional().describe('A signed address that ends, with `files=links`.'),
  })
  .meta({ id: 'ExportedFile' });

const ExportedMessage = Message.extend({
  deletedAt: time.nullable(),
  units: z
    .array(
      z.object({
        ...{ id, index: z.int(), count: z.int(), accountId: z.string(), threadId: z.string(), content: free },
        ...{
          status: z.string(),
          failure: free.nullable(),
          externalIds: z.array(z.string()),
          superseded: z.boolean(),
          updatedAt: time,
        },
      }),
    )
    .describe('The provider messages that it was sent as, with what receipts said of them.'),
  traffic: z
    .array(z.object({ direction: z.enum(['in', 'out']), exchange: free, at: time }))
    .describe('Redacted traffic with the provider, as far as it is kept.'),
  files: z.array(ExportedFile),
}).meta({ id: 'ExportedMessage' });

const person = {
  id,
  name: z.string().nullable(),
  company: Contact.shape.company.unwrap().pick({ id: true, name: true, level: true }).nullable(),
  crm: free.nullable().describe('The link to the CRM, and what it said.'),
  metadata: free,
  blocked: z.boolean(),
  mergedInto: z.string().nullable(),
  createdAt: time,
  updatedAt: time,
};

export const AuditRecord = z
  .object({
    link: z.int().positive().describe('Its place in the chain, without gaps.'),
    at: time,
    keyId: z.string().describe('The key; `admin` is the key of the installation.'),
    action: z.string().describe('Method and path, with its parameters in braces.'),
    targets: z
      .array(z.string())
      .describe('Ids that the call named, and contacts and conversations that it answered with.'),
    parameters: z.array(z.string()).describe('Names of query parameters; never their values.'),
    status: z.int(),
    requestId: z.string().nullable(),
    hash: z.string().describe('SHA-256 over the hash before and this entry.'),
  })
  .meta({ id: 'AuditEntry' });

/** Everything of one contact: what `GET /v1/contacts/{id}/export` streams. */
export const ContactExport = z
  .object({
    format: z.literal('tributary-contact-export/1'),
    exportedAt: time,
    contact: z.object(person),
    mergedContacts: z.array(z.object(person)).describe('Contacts that became part of this one.'),
    handles: z.array(
      Handle.extend({ id, contactId: id, source: z.string().nullable(), createdAt: time, provenAt: time.nullable() }),
    ),
    handleChanges: z
      .array(
        z.object({
          ...{ id, contactId: id, what: z.enum(['raised', 'removed', 'moved']), handle: Handle },
          ...{ source: z.string().nullable(), proof: z.string().nullable(), by: z.string().nullable() },
          ...{ since: time, at: time },
        }),
      )
      .describe('Handles as they were before they changed.'),
    merges: z.array(
      z.object({
        ...{ id, survivorId: id, mergedId: id, reason: z.string(), by: z.string().nullable(), moved: free },
        ...{ createdAt: time, undoneAt: time.nullable(), undoneBy: z.string().nullable() },
      }),
    ),
    conflicts: z.array(
      z.object({
        ...{ id, handle: free, contactIds: z.array(id), resolution: z.string().nullable() },
        ...{ resolvedBy: z.string().nullable(), createdAt: time, resolvedAt: time.nullable() },
      }),
    ),
    threads: z
      .array(
        z.object({
          ...{
            id,
            contactId: id,
            accountId: AccountRef.shape.id,
            channel: z.string().nullable(),
            externalId: z.string(),
            handles: z.array(free),
          },
          ...{
            optedOutAt: time.nullable().describe('Consent: when the person said stop.'),
            refusedAt: time.nullable().describe('When the provider last said that the person does not want messages.'),
            lastInboundAt: time.nullable(),
            createdAt: time,
          },
        }),
      )
      .describe('Where they wrote, by the names that providers have for it.'),
    introductions: z
      .array(
        z.object({
          accountId: z.string(),
          thread: z.string(),
          answers: free,
          proven: z.array(z.unknown()),
          updatedAt: time,
        }),
      )
      .describe('Answers in the form before the first message, while they are not yet on a conversation.'),
    parked: z
      .array(
        z.object({
          id,
          accountId: z.string(),
          stage: z.string(),
          input: z.unknown(),
          error: z.string(),
          createdAt: time,
        }),
      )
      .describe('Events that name them and could not be stored.'),
    imports: z
      .array(z.object({ importId: z.string(), row: z.int(), data: z.unknown(), errors: z.unknown() }))
      .describe('Rejected rows of imports that name them.'),
    codes: z
      .array(
        z.object({
          ...{ id, purpose: z.string(), scheme: z.string(), value: z.string(), accountId: z.string() },
          ...{ createdAt: time, usedAt: time.nullable() },
        }),
      )
      .describe('One-time codes of the last day that were sent to them; the codes themselves are not kept.'),
    conversations: z.array(
      Conversation.extend({ routing: z.unknown(), closedAt: time.nullable(), messages: z.array(ExportedMessage) }).meta(
        {
          id: 'ExportedConversation',
        },
      ),
    ),
    elsewhere: z
      .array(ExportedMessage)
      .describe('Messages of theirs that stand in a conversation of somebody they were merged with for a while.'),
    uploads: z.array(ExportedFile).describe('Files that no message carries yet.'),
    events: z
      .array(
        StreamEvent.extend({
          deliveries: z.array(
            z.object({
              ...{ destinationId: z.string(), eventId: id, state: z.enum(['delivered', 'dead']), attempts: z.int() },
              ...{ failure: free.nullable(), settledAt: time },
            }),
          ),
        }),
      )
      .describe('What the stream told of them, and to whom, as far as it is kept.'),
    audit: z.array(AuditRecord).describe('Which key read or changed what of theirs.'),
  })
  .meta({ id: 'ContactExport' });

export const AuditVerdict = z
  .object({
    entries: z.int().describe('How many were found to be as they were written.'),
    head: z
      .object({ link: z.int(), hash: z.string() })
      .describe(
        'The last entry. Kept outside and given again, it shows whether the end was cut off or the chain made anew.',
      ),
    fault: z
      .object({ link: z.int(), reason: z.enum(['missing', 'changed']) })
      .nullable()
      .describe('The first entry that does not match; null: all do.'),
  })
  .meta({ id: 'AuditVerdict' });
