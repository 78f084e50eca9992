import { ProviderFailure } from '#normalizer';
import { BlockedAddress } from '#transport';
import type { NodemailerError } from 'nodemailer/lib/errors';
import { secretsOf, type Mailbox } from '../settings.js';
import { FileUnread } from './carry.js';
import { meaningOf, type Stage } from './reply-codes.js';

/** Longest part of a server's own words that is passed on. */
const LONGEST_WORDS = 200;

interface Standing {
  readonly config: Mailbox;
  /** Had the server been given the whole mail? */
  readonly handedOver: boolean;
}

/** What it means that no connection was made: nothing was said, whoever is to blame. */
export function connectFailure(error: unknown): ProviderFailure {
  if (error instanceof ProviderFailure) return error;
  const { name, message } = error as Error;
  const code = error instanceof BlockedAddress ? 'config-invalid' : 'unavailable';
  const why = name === 'AbortError' || name === 'TimeoutError' ? 'no connection was made in time' : message;
  return new ProviderFailure(code, `the mail server cannot be reached: ${why}`);
}

/**
 * What an error of the connection means: the server's own answer where there is one, wherever it came; else that nothing was sent, or
 * where the whole mail had been given that nobody knows.
 */
export function smtpFailure(error: unknown, { config, handedOver }: Standing): ProviderFailure {
  if (error instanceof ProviderFailure) return error;
  if (error instanceof FileUnread && error.cause instanceof ProviderFailure) return error.cause;
  const { response, responseCode = 0, command = '', code } = error as NodemailerError;
  if (responseCode >= 400) return answered(response ?? '', { config, stage: stageOf(command) });
  if (response && handedOver)
    return new ProviderFailure('reply-unreadable', 'what the server answered to the mail cannot be understood');
  if (code === 'EMESSAGE') return new ProviderFailure('content-refused', 'the mail is larger than the server takes');
  const message = plain((error as Error).message, config);
  return handedOver
    ? new ProviderFailure('outcome-unknown', `the mail was handed over, and the server did not confirm it: ${message}`)
    : new ProviderFailure('unavailable', `the mail server did not take the mail: ${message}`);
}

function answered(response: string, { config, stage }: { config: Mailbox; stage: Stage }): ProviderFailure {
  const [, reply = '', enhanced, text = ''] =
    /^(\d{3})[ -]?(?:([245]\.\d{1,3}\.\d{1,3})\b)?([^]*)$/.exec(response) ?? [];
  const { code, meaning, item, lasting, retryAfterMs } = meaningOf({ reply: Number(reply), enhanced, text, stage });
  const providerCode = enhanced === undefined ? reply : `${reply} ${enhanced}`;
  // What a server says of a login may repeat it.
  const words = stage === 'login' ? '' : plain(text.replace(/\n\d{3}[ -](?:[245]\.\d{1,3}\.\d{1,3} )?/g, ' '), config);
  return new ProviderFailure(code, `SMTP ${providerCode}: ${meaning}${words && ` (${words})`}`, {
    providerCode,
    ...(item && { scope: 'item' as const }),
    ...(lasting && { lasting }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

function stageOf(command: string): Stage {
  if (command.startsWith('AUTH')) return 'login';
  if (command === 'MAIL FROM') return 'sender';
  if (command === 'RCPT TO') return 'recipient';
  return command === 'DATA' ? 'message' : 'connection';
}

/** A server's words, short, in one line, without the secrets of the account. */
function plain(text: string, config: Mailbox): string {
  const line = text.replace(/[\p{Cc}\s]+/gu, ' ').trim();
  const open = secretsOf(config).reduce((words, secret) => words.replaceAll(secret, '***'), line);
  return open.length <= LONGEST_WORDS ? open : `${open.slice(0, LONGEST_WORDS).toWellFormed()}…`;
}
