import { ProviderFailure, type OutboundUnit } from '#normalizer';

/** The number that a unit goes to, in E.164. Throws `recipient-gone`: names and short codes take no answers. */
export function recipientOf({ thread }: Pick<OutboundUnit, 'thread'>): string {
  const phone = thread.handles.find(({ scheme }) => scheme === 'phone');
  const number = /^\+\d{6,15}$/.test(thread.externalId) ? thread.externalId : phone?.value;
  if (number) return number;
  throw new ProviderFailure('recipient-gone', 'the sender is a name or a short code, which takes no answers');
}
