import { Contact, Handle } from '#normalizer';
import { z } from 'zod';
import { paging } from '../core/page.js';
import { time } from './elements.js';

const by = z
  .string()
  .nullable()
  .describe('Who vouches or decided: `key:ID`, `account:ID`, `token:ID`, `code:ID`, `import:ID` or `crm`.');
const proof = Handle.shape.proof;

export const HandleRecord = Handle.extend({
  source: by,
  createdAt: time,
  provenAt: time.nullable().describe('When its proof was given; null while it is only claimed.'),
}).meta({ id: 'HandleRecord' });

export const MergeInput = z
  .strictObject({
    from: z
      .string()
      .min(1)
      .max(200)
      .describe('Whose handles, threads and conversations become those of the contact in the path.'),
    reason: z.string().min(1).max(500).default('decided').describe('Stands in the journal and in `contact.merged`.'),
  })
  .meta({ id: 'MergeInput' });

export const MergeRecord = z
  .object({
    id: z.string(),
    survivorId: z.string(),
    mergedId: z.string(),
    reason: z.string(),
    by,
    handles: z.array(Handle),
    threadIds: z.array(z.string()),
    conversationIds: z.array(z.string()),
    createdAt: time,
    undoneAt: time.nullable(),
    undoneBy: by,
  })
  .meta({ id: 'Merge' });

export const JournalEntry = z
  .object({
    id: z.string(),
    at: time,
    type: z.enum(['handle', 'raised', 'removed', 'moved', 'merged', 'unmerged', 'conflict', 'resolved']),
    by,
    handle: Handle.optional(),
    merge: MergeRecord.optional(),
    conflict: z
      .object({ id: z.string(), contactIds: z.array(z.string()), resolution: z.string().nullable() })
      .optional(),
  })
  .meta({ id: 'JournalEntry' });

export const Suggestion = z
  .object({
    contact: Contact,
    handles: z.array(Handle.extend({ theirs: proof.describe('Proof of the same handle on the other contact.') })),
  })
  .meta({ id: 'Suggestion' });

export const ConflictQuery = z.strictObject({
  ...paging,
  state: z.enum(['open', 'resolved']).default('open').describe('`open`: for a person to decide.'),
});

export const ConflictRecord = z
  .object({
    id: z.string(),
    handle: Handle.describe('Proven to be of one of them, and brought by the other.'),
    contactIds: z.array(z.string()),
    contacts: z.array(Contact).describe('Both sides as they are now.'),
    resolution: z.enum(['merged', 'kept', 'moved']).nullable(),
    resolvedBy: by,
    createdAt: time,
    resolvedAt: time.nullable(),
  })
  .meta({ id: 'Conflict' });

export const Resolution = z
  .discriminatedUnion('action', [
    z
      .strictObject({ action: z.literal('merge'), into: z.string().min(1).max(200).describe('Who stays.') })
      .describe('They are one person.'),
    z
      .strictObject({ action: z.literal('keep') })
      .describe('They are two, and the handle stays where it is; the same conflict is not raised again.'),
    z
      .strictObject({ action: z.literal('move'), to: z.string().min(1).max(200).describe('Whose it is now.') })
      .describe('They are two, and the handle has a new owner, such as a phone number given out again.'),
  ])
  .meta({ id: 'Resolution' });
