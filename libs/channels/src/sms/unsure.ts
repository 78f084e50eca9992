import { ProviderFailure } from '#normalizer';
import { statusFailure, type HttpResponse } from '#transport';

/**
 * What an error of a server (5xx) says of a message where the provider documents nothing better: nobody knows whether it was taken. Providers of SMS take no
 * idempotency key, so it is not sent again; a report may tell later what became of it.
 */
export function unsure({ message, providerCode }: ProviderFailure, code = providerCode): ProviderFailure {
  return new ProviderFailure('outcome-unknown', `${message}: it may have taken the message`, {
    ...(code !== undefined && { providerCode: code }),
  });
}

/** What an HTTP status that is no success says. Of the errors of a server only 503 says that nothing was taken. */
export function plainFailure(answer: HttpResponse, now: number): ProviderFailure {
  const failure = statusFailure(answer, now);
  return answer.status >= 500 && answer.status !== 503 ? unsure(failure) : failure;
}
