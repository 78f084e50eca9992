import { apiBase, secret, z } from 'tributary/channel-kit';

/** Settings of a `pigeon` account. */
export const pigeonConfig = z.object({
  apiKey: secret().describe('Key of the account at the provider: authorizes what is sent.'),
  signingSecret: secret().describe('Signs what the provider calls with.'),
  apiBase: apiBase('https://api.pigeon.example'),
});
export type PigeonConfig = z.infer<typeof pigeonConfig>;
