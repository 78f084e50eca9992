import { z } from 'zod';
import { Failure } from './failure.js';
import { Handle } from './handle.js';
import { InboundEvent } from './inbound.js';
import { Part } from './parts.js';
import { FirstMessageInput, ReplyInput } from './reply.js';
import { Contact, Conversation, EventData, Message, StreamEvent } from './stream.js';

/** What others read: shapes as the gateway writes them, every default filled in. */
const WRITTEN = { StreamEvent, EventData, Message, Part, Conversation, Contact, Handle, Failure };
/** What others write: members with a default may be left out. */
const TAKEN = { ReplyInput, FirstMessageInput, InboundEvent };

/** The model as JSON Schemas (draft 2020-12) by name, each complete in itself, always in the same order: `/schemas/{name}.json`. */
export function jsonSchemas(): Record<string, object> {
  return Object.fromEntries([
    ...Object.entries(WRITTEN).map(([name, schema]) => [name, jsonSchemaOf(schema, 'output')]),
    ...Object.entries(TAKEN).map(([name, schema]) => [name, jsonSchemaOf(schema, 'input')]),
  ]);
}

/** One of them. Readers must bear fields that are added later, so only what is written to us is closed. */
export function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  return z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io,
    override: ({ jsonSchema }) => {
      if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  });
}
