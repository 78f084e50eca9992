import { secret, webAddress } from '#normalizer';
import { z } from 'zod';

/** Settings of an `http` account (CONTRACT section 6). */
export const httpConfig = z.object({
  secret: secret().describe(
    'Signs both ways by the Standard Webhooks specification: `whsec_` and base64 of 24 to 64 random bytes, or any text.',
  ),
  url: webAddress().describe('Where messages to customers are posted.'),
  proof: z
    .enum(['channel', 'claimed'])
    .default('channel')
    .describe(
      '`channel`: your software knows that the handles it names belong to the sender. `claimed`: the sender only says so.',
    ),
  apiBase: webAddress().optional().describe('Replaces scheme, host and port of `url`: for a proxy or a test.'),
});
export type HttpConfig = z.infer<typeof httpConfig>;
