import { z } from 'zod';

/** Longest text of one part, in UTF-16 code units, and most parts of one message. What exceeds them is refused, never cut. */
export const LIMITS = {
  text: 100_000,
  parts: 50,
  label: 1_000,
  url: 4_096,
  name: 500,
  options: 50,
  messageBytes: 262_144,
} as const;

const url = z.string().min(1).max(LIMITS.url);
const label = z.string().max(LIMITS.label);
const text = z.string().max(LIMITS.text);

export const TextPart = z
  .object({
    type: z.literal('text'),
    text: text.min(1),
    format: z
      .enum(['markdown'])
      .optional()
      .describe(
        'How the text is to be read, where it is not plain. Channels that render no Markdown get what it says; html in it is text.',
      ),
  })
  .meta({ id: 'TextPart' });

export const HtmlPart = z.object({ type: z.literal('html'), html: text, text }).meta({ id: 'HtmlPart' });

export const MediaKind = z.enum(['image', 'audio', 'voice', 'video', 'file', 'sticker']);
export type MediaKind = z.infer<typeof MediaKind>;

/** A file of any kind. Inside the gateway it is held by `fileId`; `url` is signed afresh at each dispatch or read. */
export const MediaPart = z
  .object({
    type: z.literal('media'),
    kind: MediaKind,
    fileId: z.string().optional(),
    /** The provider's own id of bytes not fetched yet; never leaves the gateway. */
    ref: z.string().max(LIMITS.url).optional(),
    url: url.optional(),
    mimeType: z.string().max(200).default('application/octet-stream'),
    bytes: z.int().nonnegative().nullable().default(null),
    name: z.string().max(LIMITS.name).optional(),
    width: z.int().positive().optional(),
    height: z.int().positive().optional(),
    durationMs: z.int().nonnegative().optional(),
    caption: text.optional(),
    /** By which an html part of the same message shows it: `cid:...`. */
    contentId: z.string().max(LIMITS.name).optional(),
    /** `inline`: shown within an html part; `original`: the whole message as the provider had it, kept beside what was read of it. */
    purpose: z.enum(['inline', 'original']).optional(),
    state: z.enum(['pending', 'ready', 'unavailable']).default('ready'),
  })
  .meta({ id: 'MediaPart' });
export type MediaPart = z.infer<typeof MediaPart>;

export const LocationPart = z
  .object({
    type: z.literal('location'),
    latitude: z.number().min(-90).max(90),
    longitude: z.number().min(-180).max(180),
    name: label.optional(),
    address: label.optional(),
  })
  .meta({ id: 'LocationPart' });

export const ContactCardPart = z
  .object({
    type: z.literal('contact-card'),
    name: label,
    handles: z.array(z.object({ scheme: z.string().max(40), value: z.string().max(320) })).max(20),
  })
  .meta({ id: 'ContactCardPart' });

export const LinkPart = z
  .object({
    type: z.literal('link'),
    url,
    title: label.optional(),
    description: label.optional(),
    thumbnailUrl: url.optional(),
  })
  .meta({ id: 'LinkPart' });

export const ChoiceOption = z
  .object({ id: z.string().min(1).max(200), label: label.min(1) })
  .meta({ id: 'ChoiceOption' });
export type ChoiceOption = z.infer<typeof ChoiceOption>;

/** A question with answers to pick from. Where the channel has no buttons it is sent as a numbered list. */
export const ChoicesPart = z
  .object({ type: z.literal('choices'), text, options: z.array(ChoiceOption).min(1).max(LIMITS.options) })
  .meta({ id: 'ChoicesPart' });
export type ChoicesPart = z.infer<typeof ChoicesPart>;

/** The answer to a `choices` part, tapped or typed. `messageId` is the message that asked; `typed` is what was typed, word for word. */
export const ChoicePart = z
  .object({
    type: z.literal('choice'),
    optionId: z.string().max(200),
    label,
    messageId: z.string().optional(),
    typed: text.optional(),
  })
  .meta({ id: 'ChoicePart' });

export const CardPart = z
  .object({
    type: z.literal('card'),
    title: label.min(1),
    text: text.optional(),
    media: MediaPart.optional(),
    actions: z
      .array(z.object({ label: label.min(1), url: url.optional(), id: z.string().max(200).optional() }))
      .max(10)
      .default([]),
  })
  .meta({ id: 'CardPart' });

/** A message template approved by the provider, named there, with its variables. */
export const TemplatePart = z
  .object({
    type: z.literal('template'),
    name: z.string().min(1).max(LIMITS.name),
    locale: z.string().max(35).optional(),
    values: z.record(z.string(), z.string().max(LIMITS.label)).default({}),
  })
  .meta({ id: 'TemplatePart' });

/** What the adapter verified but does not understand: kept, so that nothing is dropped in silence. */
export const UnsupportedPart = z
  .object({ type: z.literal('unsupported'), providerType: z.string().max(200) })
  .meta({ id: 'UnsupportedPart' });

export const Part = z
  .discriminatedUnion('type', [
    TextPart,
    HtmlPart,
    MediaPart,
    LocationPart,
    ContactCardPart,
    LinkPart,
    ChoicesPart,
    ChoicePart,
    CardPart,
    TemplatePart,
    UnsupportedPart,
  ])
  .meta({ id: 'Part' });
export type Part = z.infer<typeof Part>;
export type PartType = Part['type'];
/** A part as a caller writes it, before defaults are filled in. */
export type PartInput = z.input<typeof Part>;
