import { z } from 'zod';

// What of a callback is read (https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/payload-examples).

const id = z.string().min(1).max(400);
const text = z.string().max(100_000);
const media = z.object({
  id,
  mime_type: z.string().max(200).default('application/octet-stream'),
  caption: text.optional(),
  filename: z.string().max(500).optional(),
  voice: z.boolean().optional(),
});
const chosen = z.object({ id: z.string().max(200), title: z.string().max(1_000) });

/** Who wrote when, whatever it is. */
const Envelope = z.object({
  id,
  from: z
    .string()
    .regex(/^\d{5,20}$/)
    .optional()
    .catch(undefined),
  from_user_id: id.optional(),
  group_id: id.optional(),
  timestamp: z.string().regex(/^\d{9,14}$/),
  type: z.string().max(100),
});
const Known = Envelope.extend({
  context: z.object({ id: id.optional() }).optional(),
  text: z.object({ body: text.min(1) }).optional(),
  image: media.optional(),
  audio: media.optional(),
  video: media.optional(),
  document: media.optional(),
  sticker: media.optional(),
  location: z
    .object({
      latitude: z.number().min(-90).max(90),
      longitude: z.number().min(-180).max(180),
      name: z.string().max(1_000).optional(),
      address: z.string().max(1_000).optional(),
    })
    .optional(),
  contacts: z
    .array(
      z.object({
        name: z.object({ formatted_name: z.string().max(1_000) }),
        phones: z.array(z.object({ phone: z.string().min(1).max(300) })).default([]),
      }),
    ) // prettier-ignore
    .max(50)
    .optional(),
  button: z.object({ payload: z.string().max(200), text: z.string().max(1_000) }).optional(),
  interactive: z.object({ button_reply: chosen.optional(), list_reply: chosen.optional() }).optional(),
  reaction: z.object({ message_id: id, emoji: z.string().max(64).default('') }).optional(),
});
export type Message = z.infer<typeof Known>;
/** Meta brings several in one callback: one that is of another form than is known must not cost the others. */
const Message = z.union([Known, Envelope]).transform((message): Message => message);

export const Status = z.object({
  id,
  status: z.string(),
  timestamp: z.string().regex(/^\d{9,14}$/),
  errors: z.array(z.object({ code: z.int() })).default([]),
});
export type Status = z.infer<typeof Status>;

const Value = z.object({
  metadata: z.object({ phone_number_id: z.string() }),
  contacts: z.array(z.object({ wa_id: z.string().optional(), user_id: z.string().optional(), profile: z.object({ name: z.string().max(500).optional() }).optional() })).default([]), // prettier-ignore
  messages: z.array(Message).default([]),
  statuses: z.array(Status).default([]),
});
export type Value = z.infer<typeof Value>;

export const Callback = z.object({
  object: z.literal('whatsapp_business_account'),
  entry: z.array(
    z.object({
      changes: z.array(
        z.union([
          z.object({ field: z.literal('messages'), value: Value }),
          z.object({ field: z.string().refine((field) => field !== 'messages') }),
        ]),
      ),
    }),
  ),
});
