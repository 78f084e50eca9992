import { type InboundEventInput, MalformedRequest, type PartInput, z } from 'tributary/channel-kit';
import { failureOf } from './pigeon.failures.js';

const id = z.string().regex(/^[\w-]{1,100}$/);
const happened = { id, at: z.iso.datetime() };
const from = z.object({ loft: id, name: z.string().max(500).optional() });

const Message = z.object({
  ...happened,
  type: z.literal('message'),
  from,
  message: id,
  text: z.string().min(1).optional(),
  photo: z.object({ id, type: z.string().max(100), bytes: z.int().nonnegative() }).optional(),
  answers: id.optional(),
});
const Report = z.object({
  ...happened,
  type: z.enum(['landed', 'read', 'lost']),
  message: id,
  code: z.string().max(40).default(''),
});
const Other = z.object({ ...happened, type: z.string().min(1).max(100), from });

/** What one callback, update or line says. Types come without notice: what somebody sent and we do not know is kept as such. Throws `MalformedRequest`. */
export function eventsOf(said: unknown): InboundEventInput[] {
  const message = Message.safeParse(said);
  if (message.success) return [received(message.data, partsOf(message.data))];
  const report = Report.safeParse(said);
  if (report.success) return [receipt(report.data)];
  const other = Other.safeParse(said);
  if (!other.success) throw new MalformedRequest('expected an update as Pigeon documents it');
  return [received(other.data, [{ type: 'unsupported', providerType: other.data.type }])];
}

function received(
  { id: dedupeKey, at, from: { loft, name }, ...more }: z.infer<typeof Other> & { message?: string; answers?: string },
  parts: PartInput[],
): InboundEventInput {
  return {
    kind: 'message',
    dedupeKey,
    thread: loft,
    sender: { handles: [{ scheme: 'pigeon-loft', value: loft }], ...(name !== undefined && { name }) },
    parts: parts as never,
    ...(more.message !== undefined && { externalIds: [more.message] }),
    ...(more.answers !== undefined && { replyTo: more.answers }),
    occurredAt: at,
  };
}

/** A photo is fetched later, by its id: what the bytes are is not to hold up the message. */
function partsOf({ text, photo }: z.infer<typeof Message>): PartInput[] {
  if (!photo) return text === undefined ? [{ type: 'unsupported', providerType: 'empty' }] : [{ type: 'text', text }];
  const { id: ref, type: mimeType, bytes } = photo;
  const caption = text === undefined ? {} : { caption: text };
  return [{ type: 'media', kind: 'image', ref, mimeType, bytes, ...caption, state: 'pending' }];
}

const STATUS = { landed: 'delivered', read: 'read', lost: 'failed' } as const;

function receipt({ id: dedupeKey, type, at, message, code }: z.infer<typeof Report>): InboundEventInput {
  const failure = type === 'lost' ? { failure: failureOf(code) } : {};
  return { kind: 'receipt', dedupeKey, externalId: message, status: STATUS[type], ...failure, occurredAt: at };
}
