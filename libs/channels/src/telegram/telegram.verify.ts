import { constantTimeEqual, type RawRequest, type Verdict } from '#transport';
import type { VerifyContext } from '../core/adapter.js';
import type { TelegramConfig } from './telegram.config.js';

/** `X-Telegram-Bot-Api-Secret-Token` is the secret itself (https://core.telegram.org/bots/api#setwebhook): nothing signs the body. */
export function verify({ headers }: RawRequest, { config }: VerifyContext<TelegramConfig>): Verdict {
  return constantTimeEqual(config.secretToken, headers['x-telegram-bot-api-secret-token'] ?? '')
    ? { kind: 'accept' }
    : { kind: 'reject', reason: 'the secret token is another' };
}
