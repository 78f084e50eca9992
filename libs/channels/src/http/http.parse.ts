import {
  FailureCode,
  Handle,
  InboundMessage,
  InvalidInput,
  LIMITS,
  parseInbound,
  parseWith,
  type InboundEventInput,
  type MediaPart,
  type Part,
} from '#normalizer';
import { MalformedRequest, jsonBody, type VerifiedRequest } from '#transport';
import { z } from 'zod';
import type { ParsedRequest, VerifyContext } from '../core/adapter.js';
import type { HttpConfig } from './http.config.js';

const fields = InboundMessage.shape;
const id = z.string().min(1).max(400);

const Message = z
  .object({
    type: z.literal('message'),
    id,
    thread: fields.thread,
    sender: z.object({
      handles: z
        .array(Handle.omit({ proof: true }))
        .min(1)
        .max(20),
      name: z.string().max(500).optional(),
    }),
    text: z.string().min(1).max(LIMITS.text).optional(),
    parts: fields.parts.optional(),
    subject: fields.subject,
    replyTo: fields.replyTo,
    occurredAt: fields.occurredAt,
    automated: fields.automated,
    language: fields.language,
  })
  .refine(({ text, parts }) => (text === undefined) !== (parts === undefined), {
    message: 'give either text or parts, not both',
  });

const Receipt = z.object({
  type: z.literal('receipt'),
  messageId: id,
  status: z.enum(['delivered', 'read', 'failed']),
  failure: z
    .union([
      z.string().max(1_000),
      z.object({ code: z.string().max(100).optional(), message: z.string().max(1_000).optional() }),
    ])
    .optional(),
  occurredAt: fields.occurredAt,
});

const Body = z.discriminatedUnion('type', [Message, Receipt]);

/** One message or receipt per request; the answer names the id that the gateway gave it. Throws `MalformedRequest`. */
export function parse(request: VerifiedRequest, ctx: VerifyContext<HttpConfig>): ParsedRequest {
  const event = refusing(() => {
    const body = parseWith(Body, jsonBody(request));
    const read = body.type === 'message' ? message(body, ctx.config) : receipt(body);
    return parseInbound(read, ctx);
  });
  return {
    events: [event],
    reply: (stored) => ({
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ items: stored.map((event) => ({ id: event.id })) }),
    }),
  };
}

/** Whoever posts is told what is wrong: nothing is taken that the gateway could not store. */
function refusing<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof InvalidInput ? new MalformedRequest(error.message) : error;
  }
}

function message(body: z.infer<typeof Message>, { proof }: HttpConfig): InboundEventInput {
  const { subject, replyTo, occurredAt, automated, language } = body;
  return {
    kind: 'message',
    dedupeKey: `message:${body.id}`,
    thread: body.thread,
    sender: {
      handles: body.sender.handles.map(({ scheme, scope, value }) => ({ scheme, scope, value, proof })),
      ...(body.sender.name !== undefined && { name: body.sender.name }),
    },
    parts: body.parts?.map(inward) ?? [{ type: 'text', text: body.text ?? '' }],
    externalIds: [body.id],
    ...(subject !== undefined && { subject }),
    ...(replyTo !== undefined && { replyTo }),
    ...(occurredAt !== undefined && { occurredAt }),
    ...(automated !== undefined && { automated }),
    ...(language !== undefined && { language }),
  };
}

/** Files come by URL only: references into the gateway's own store are nobody's to give. */
function inward(part: Part): Part {
  if (part.type === 'card' && part.media) return { ...part, media: inward(part.media) as MediaPart };
  if (part.type !== 'media') return part;
  const { fileId: _fileId, ref: _ref, state: _state, ...rest } = part;
  if (rest.url === undefined) throw new MalformedRequest('a media part has no url');
  return { ...rest, state: 'ready' };
}

function receipt({ messageId, status, failure, occurredAt }: z.infer<typeof Receipt>): InboundEventInput {
  return {
    kind: 'receipt',
    dedupeKey: `receipt:${messageId}:${status}`,
    externalId: messageId,
    status,
    ...(status === 'failed' && { failure: failureOf(failure) }),
    ...(occurredAt !== undefined && { occurredAt }),
  };
}

/** A code of the gateway's own table is taken as such; any other is the provider's, and the message counts as refused. */
function failureOf(failure: z.infer<typeof Receipt>['failure']) {
  const { code, message: why } = typeof failure === 'object' ? failure : { code: undefined, message: failure };
  const known = FailureCode.safeParse(code);
  return {
    code: known.success ? known.data : ('content-refused' as const),
    ...(code !== undefined && !known.success && { providerCode: code }),
    message: why ?? 'reported as failed',
  };
}
