import { secret, webAddress } from '#normalizer';
import { z } from 'zod';

/** An origin (`https://shop.example`), one with any subdomain (`https://*.shop.example`), or `*`. */
const origin = z
  .string()
  .max(300)
  .regex(
    /^(?:\*|https?:\/\/(?:\*\.)?(?:[a-z0-9-]+\.)*[a-z0-9-]+(?::\d{1,5})?|https?:\/\/\[[0-9a-f:]+\](?::\d{1,5})?)$/i,
    'expected an origin such as https://shop.example or https://*.shop.example, without a path, or *',
  );

const field = z.strictObject({
  required: z.boolean().default(false).describe('Nobody writes without it.'),
  label: z.string().min(1).max(80).optional().describe("What the form calls it; else in the visitor's language."),
});
const choice = z.strictObject({
  ...field.shape,
  options: z
    .array(z.string().min(1).max(100))
    .min(1)
    .max(50)
    .optional()
    .describe('What can be chosen; without them it is a text.'),
});

const prechat = z
  .strictObject({
    title: z.string().min(1).max(120).optional().describe('What stands above the form.'),
    fields: z
      .strictObject({
        name: field.optional().describe('Becomes the name of a contact that has none.'),
        phone: field.optional().describe('In any spelling; without a country code it is one of `identity.country`.'),
        email: field.optional().describe('A mail address.'),
        product: choice.optional().describe('Stands in the metadata of the conversation as `product`.'),
        questionType: choice.optional().describe('Stands there as `questionType`.'),
      })
      .refine((fields) => Object.values(fields).some(Boolean), 'expected at least one field')
      .describe('What is asked for.'),
    verify: z
      .enum(['off', 'optional', 'required'])
      .default('off')
      .describe(
        'Whether phone or email is proven by a one-time code (`identity.codes`): one that is not stays a claim, which joins nobody to anybody.',
      ),
  })
  .refine(({ verify, fields }) => verify === 'off' || fields.phone || fields.email, {
    path: ['verify'],
    message: 'there is nothing to verify without the field phone or email',
  });

/** Settings of a web chat account. */
export const webchatConfig = z.object({
  origins: z
    .array(origin)
    .max(100)
    .default([])
    .describe(
      "Pages that may open the chat, by origin; `https://*.shop.example` for every subdomain, `*` for all pages. The gateway's own always may.",
    ),
  secret: secret()
    .min(16, 'expected at least 16 characters')
    .optional()
    .describe('Signs the tokens by which your backend says who a visitor is (HS256). At least 32 random bytes.'),
  publicKey: z
    .string()
    .min(40)
    .max(4_000)
    .optional()
    .describe(
      'In place of `secret`: the public Ed25519 key of the tokens (EdDSA), as PEM (`BEGIN PUBLIC KEY`) or JWK.',
    ),
  title: z
    .string()
    .min(1)
    .max(80)
    .optional()
    .describe('Heading of the chat window; the widget has its own in the visitor\u2019s language.'),
  greeting: z.string().min(1).max(500).optional().describe('Shown above an empty conversation.'),
  prechat: prechat
    .optional()
    .describe(
      'A form before the first message. Who is identified by a signed token is not asked for what the token says.',
    ),
  maxTextLength: z.int().min(1).max(20_000).default(10_000).describe('Longest message of a visitor, UTF-16 units.'),
  maxFileBytes: z.int().positive().max(1_073_741_824).default(26_214_400).describe('Largest file of a visitor, bytes.'),
  mimeTypes: z
    .array(z.string().regex(/^[\w.+-]+\/(?:\*|[\w.+-]+)$/, 'expected a type such as image/png or image/*'))
    .max(100)
    .default([])
    .describe('Types of files that visitors may send, exact or `image/*`, by what their bytes are. Empty: all.'),
  apiBase: webAddress()
    .optional()
    .describe('Every account takes it; web chat calls no provider, so it changes nothing.'),
});
export type PrechatConfig = z.infer<typeof prechat>;
export type WebchatConfig = z.infer<typeof webchatConfig>;
