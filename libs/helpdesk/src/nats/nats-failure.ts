import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { ProviderFailure, type FailureCode } from '#normalizer';

/** What JetStream's error codes mean (https://github.com/nats-io/nats-server/blob/main/server/errors.json). */
const CODES: Readonly<Record<number, FailureCode>> = {
  /** Message size exceeds the maximum of the stream. */
  10_054: 'content-refused',
  /** Expected stream does not match; subjects overlap; name in use with another configuration; more replicas than servers. */
  10_060: 'config-invalid',
  10_065: 'config-invalid',
  10_058: 'config-invalid',
  10_074: 'config-invalid',
  /** Out of memory, of resources, of storage; the stream is full. */
  10_028: 'throttled',
  10_023: 'throttled',
  10_047: 'throttled',
  10_077: 'throttled',
};

/** The failure that an error of the servers or the client's own refusal is, or undefined where it tells no more than that the network failed. */
export function natsRefusal(error: unknown): ProviderFailure | undefined {
  if (error instanceof ProviderFailure) return error;
  const seen = causes(error);
  const refused = seen.find((one) => one instanceof errors.AuthorizationError || one instanceof errors.PermissionViolationError || one instanceof errors.UserAuthenticationExpiredError); // prettier-ignore
  if (refused) return new ProviderFailure('unauthorized', `the server refuses us: ${refused.message}`);
  const api = seen.find((one) => one instanceof JetStreamApiError);
  if (api) {
    const { code, message } = api as JetStreamApiError;
    return new ProviderFailure(CODES[code] ?? 'unavailable', `JetStream answered: ${message}`, {
      providerCode: `${code}`,
    });
  }
  if (isUnheard(error))
    return new ProviderFailure('unavailable', 'nobody answers for JetStream: it is not enabled, or has no leader');
  const argument = seen.find((one) => one instanceof errors.InvalidArgumentError);
  if (!argument) return undefined;
  return /max_payload/.test(argument.message)
    ? new ProviderFailure('content-refused', 'the event is larger than the servers take (max_payload)')
    : new ProviderFailure('config-invalid', `the client refuses the settings: ${argument.message}`);
}

/** Did nobody listen to what was sent? Then no stream takes the subject, or JetStream is not there. */
export function isUnheard(error: unknown): boolean {
  return causes(error).some((one) => one instanceof errors.NoRespondersError);
}

/** What a failed publication means. Without an answer of the stream it may have been kept. */
export function natsFailure(error: unknown): ProviderFailure {
  const message = error instanceof Error ? error.message : 'unknown error';
  const unsent = error instanceof errors.ClosedConnectionError || error instanceof errors.DrainingConnectionError;
  return (
    natsRefusal(error) ??
    new ProviderFailure(unsent ? 'unavailable' : 'outcome-unknown', `no answer to what was sent: ${message}`)
  );
}

function causes(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let at = error; at instanceof Error && chain.length < 8; at = at.cause) chain.push(at);
  return chain;
}
