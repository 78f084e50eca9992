import type { InboundEventInput, PartInput } from '#normalizer';
import { consentIn, type ConsentSettings } from './consent.js';
import { smsSender } from './sender.js';

/** An SMS as a provider hands it over. */
export interface Received {
  /** Names it within the account, the same on every repetition. */
  readonly key: string;
  readonly externalIds: readonly string[];
  readonly from: string;
  readonly text: string;
  readonly media?: readonly PartInput[];
  readonly occurredAt?: string;
  /** What the provider itself made of it; undefined where it leaves that to the words. */
  readonly consent?: 'opted-out' | 'opted-in' | null;
}

export interface Reading {
  readonly accountId: string;
  readonly digits: 'international' | 'short';
  readonly consent: ConsentSettings;
}

/**
 * The events of an SMS: the message, and after it what it says of consent. STOP is a message like any other, since agents have to see it; from the second
 * event on nothing is sent to the number.
 */
export function receivedEvents(sms: Received, { accountId, digits, consent }: Reading): InboundEventInput[] {
  const { thread, handle } = smsSender(sms.from, { scope: accountId, digits });
  const sender = { handles: [handle] };
  const when = sms.occurredAt === undefined ? {} : { occurredAt: sms.occurredAt };
  const parts: PartInput[] = [
    ...(sms.text === '' ? [] : [{ type: 'text' as const, text: sms.text }]),
    ...(sms.media ?? []),
  ];
  const empty: PartInput = { type: 'unsupported', providerType: 'empty' };
  const message: InboundEventInput = {
    ...{ kind: 'message', dedupeKey: `message:${sms.key}`, thread, sender, externalIds: [...sms.externalIds], ...when },
    parts: parts.length > 0 ? (parts as never) : [empty as never],
  };
  if (handle.scheme !== 'phone') return [message];
  const kind = sms.consent === undefined ? consentIn(sms.text, thread, consent) : sms.consent;
  if (!kind) return [message];
  const reason = `the customer wrote ${sms.text.trim().slice(0, 60)}`;
  return [message, { kind, dedupeKey: `consent:${sms.key}`, thread, sender, reason, ...when }];
}
