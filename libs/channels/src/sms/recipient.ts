import { ProviderFailure } from '#normalizer';

/** The number that a thread goes to, in E.164. Throws `recipient-gone`: names and short codes take no answers. */
export function recipientOf(to: string): string {
  if (/^\+\d{6,15}$/.test(to)) return to;
  throw new ProviderFailure('recipient-gone', 'the sender is a name or a short code, which takes no answers');
}
