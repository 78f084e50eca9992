import { TextUnit } from '#normalizer';
import { z } from 'zod';

export { TextUnit };

/** `full`: as it is; `fallback`: as plain text; `dropped`: left out, the rest is sent; `refused`: the message is refused. */
export const Level = z.enum(['full', 'fallback', 'dropped', 'refused']).meta({ id: 'Level' });
export type Level = z.infer<typeof Level>;

const mediaRule = z.object({
  /** MIME types, exact or `image/*`. Others are sent as `file` where that kind is listed, else as a link. */
  mimeTypes: z.array(z.string()).min(1),
  maxBytes: z.int().positive(),
  caption: z.boolean().default(false),
  /** Longest caption, in `text.unit`, where that is less than `text.max`: a longer one follows as text. */
  maxCaption: z.int().positive().optional(),
});

/** What a channel can do, as data. `fit()` obeys it, `GET /v1/channels` and the docs show it, the suite proves it. */
export const Capabilities = z
  .object({
    text: z.object({
      max: z.int().positive(),
      unit: TextUnit,
      /** Longest message in provider messages; more is refused as `content-refused`. */
      maxUnits: z.int().positive().default(20),
      /** Set where text travels as SMS: units then say how many segments the carrier bills. */
      segments: z
        .object({
          alphabet: z.enum(['gsm7', 'latin1', 'ucs2']),
          added: z.int().nonnegative().optional(),
          header: z.int().min(5).max(20).optional(),
        })
        .optional(),
    }),
    /** Most parts of one provider message: 1 where every picture is a message of its own; mail takes many. */
    maxParts: z.int().positive().default(1),
    /** Most options of one native `choices` message and longest label (in `text.unit`); beyond: the numbered fallback. */
    choices: z.object({
      level: Level,
      maxOptions: z.int().positive().optional(),
      maxLabel: z.int().positive().optional(),
    }),
    html: Level,
    /** Texts of format `markdown`: `full` where the adapter renders them, else their plain rendering is sent. */
    markdown: z.enum(['full', 'fallback']).default('fallback'),
    location: Level,
    contactCard: Level,
    link: Level,
    card: Level,
    template: Level,
    /** Wording of the account's templates by name, variables as `{name}` or `${name}`: values are checked against it before anything is queued. */
    templates: z.record(z.string(), z.string()).optional(),
    /** Can a first message have a subject of its own (`POST /v1/messages`)? */
    subject: z.boolean().default(false),
    /** `always`: an answer names the last message of the thread where it was given none to name, as mail does. */
    replyTo: z.enum(['full', 'dropped', 'always']),
    /** Media kinds that travel natively, each with types and sizes. A kind that is absent falls back to a link. */
    media: z.partialRecord(z.enum(['image', 'audio', 'voice', 'video', 'file', 'sticker']), mediaRule),
    receipts: z.array(z.enum(['sent', 'delivered', 'read', 'failed'])),
    typing: z.boolean(),
    markRead: z.boolean().default(false),
    inbound: z.object({ edits: z.boolean(), deletes: z.boolean(), reactions: z.boolean(), typing: z.boolean() }),
    /** The provider takes replies only for `hours` after the customer's last message and at most `messages` of them. */
    window: z.object({ hours: z.number().positive(), messages: z.int().positive().optional() }).nullable(),
    /** Can a conversation be begun by us, to a handle of these schemes (`phone`), or of one issuer of a scheme (`wechat-openid/wx12`)? */
    initiate: z.array(z.string()),
    rate: z
      .object({ perSecond: z.number().positive(), perThreadPerSecond: z.number().positive().optional() })
      .nullable(),
    /**
     * Most answers of a bot to one person in any hour; more are `throttled`. Set where programs answer each other, as in mail: there no bot answers a message
     * that is `automated` either.
     */
    automaticPerHour: z.int().positive().optional(),
    /** The provider takes an idempotency key: a unit may be sent again after an unknown outcome. */
    idempotentSend: z.boolean(),
  })
  .meta({ id: 'Capabilities' });
export type Capabilities = z.infer<typeof Capabilities>;
export type CapabilitiesInput = z.input<typeof Capabilities>;
