import { apiBase, secret } from '#normalizer';
import { z } from 'zod';

/** Settings of a `telegram` account. */
export const telegramConfig = z.object({
  botToken: secret().describe('Token of the bot, as BotFather gave it: authorizes what is sent.'),
  secretToken: secret()
    .regex(/^[\w-]{16,256}$/, 'expected 16 to 256 letters, digits, dashes and underscores')
    .describe('Of your choice, given to `setWebhook`: Telegram repeats it with everything that it calls with.'),
  apiBase: apiBase('https://api.telegram.org'),
});
export type TelegramConfig = z.infer<typeof telegramConfig>;
