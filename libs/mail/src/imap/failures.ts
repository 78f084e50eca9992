import { ProviderFailure, type FailureCode } from '#normalizer';

/** What errors of the IMAP client carry. */
interface ImapError extends Error {
  readonly code?: string;
  readonly authenticationFailed?: boolean;
  readonly tlsFailed?: boolean;
  readonly responseStatus?: string;
  readonly serverResponseCode?: string;
  readonly response?: unknown;
  readonly reason?: unknown;
}

/** Response codes of RFC 5530 and 7377, said in answer to a login or a command. */
const CODES: Readonly<Record<string, FailureCode>> = {
  UNAVAILABLE: 'unavailable',
  SERVERBUG: 'unavailable',
  INUSE: 'unavailable',
  LIMIT: 'throttled',
  OVERQUOTA: 'throttled',
  THROTTLED: 'throttled',
};

const TLS = /^(?:CERT_|UNABLE_TO_|DEPTH_|SELF_SIGNED|ERR_TLS_|ERR_SSL_|ERR_OSSL|HOSTNAME_)/;

/** An error of the connection, the login or a command, in words. What the server said is repeated where it says it to everybody. */
export function imapFailure(error: unknown): ProviderFailure {
  if (error instanceof ProviderFailure) return error;
  if (error === undefined) return new ProviderFailure('unavailable', 'the mail server ended the connection');
  const { code = '', name, message, authenticationFailed, tlsFailed, serverResponseCode = '' } = error as ImapError;
  const failure = (what: FailureCode, words: string, providerCode = serverResponseCode || code) =>
    new ProviderFailure(what, words, { ...(providerCode && { providerCode }), cause: error });
  if (name === 'BlockedAddress') return failure('config-invalid', `the mail server cannot be reached: ${message}`);
  if (code === 'STARTTLS_INJECTION')
    return failure('unavailable', 'something was said in place of the mail server before TLS began: nothing was sent to it');
  if (TLS.test(code)) return failure('unavailable', `the certificate of the mail server is not to be trusted: ${message}`);
  if (tlsFailed) return failure('unavailable', 'the mail server offers no STARTTLS, or it fails: nothing was sent to it');
  const known = CODES[serverResponseCode] ?? (/too many/i.test(said(error)) ? 'throttled' : undefined);
  if (known) return failure(known, `the mail server asks to come later: ${serverResponseCode || 'too many connections'}`);
  if (authenticationFailed)
    return failure('unauthorized', `the mail server refuses the login${hint(said(error))}`);
  if (/unsafe login/i.test(said(error)))
    return failure('unauthorized', 'the mail server takes this login for unsafe: allow IMAP in its web settings');
  if (name === 'AbortError' || name === 'TimeoutError' || code === 'ETIMEOUT' || code.endsWith('_TIMEOUT'))
    return failure('unavailable', 'the mail server did not answer in time');
  if (/^(?:NoConnection|EConnectionClosed|ClosedAfterConnect\w+)$/.test(code))
    return failure('unavailable', 'the mail server ended the connection');
  return failure('unavailable', `the connection to the mail server failed${code && `: ${code}`}`);
} // prettier-ignore

/** What the server answered, cut: it is shown to nobody, only looked through. */
function said(error: unknown): string {
  const { response, reason } = error as ImapError;
  return [response, reason].filter((text) => typeof text === 'string').join(' ').slice(0, 1_000);
} // prettier-ignore

/** What refusals of the big providers are about. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [/application-specific|app password/i, ': it wants an app password'],
  [/authorization code|授权码|login fail.*password/i, ': it wants an authorisation code (授权码) in place of the password'],
  [/not connected|accessasapp|basic auth/i, ': the application has no permission for this mailbox, or passwords are switched off'],
  [/imap.*(?:disabled|not enabled)|service is not open|开启/i, ': IMAP is switched off in the settings of the mailbox'],
]; // prettier-ignore

function hint(text: string): string {
  return HINTS.find(([pattern]) => pattern.test(text))?.[1] ?? '';
}
