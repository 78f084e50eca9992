import { e164, type Handle } from '#normalizer';

/** Whom an SMS is from: the handle, and the name of the thread, which is the same text. */
export interface SmsSender {
  readonly thread: string;
  readonly handle: Pick<Handle, 'scheme' | 'scope' | 'value' | 'proof'>;
}

/** How providers in China write a mobile number of the mainland: with or without 86. */
const MAINLAND_MOBILE = /^(?:86)?(1[3-9]\d{9})$/;

/**
 * Reads the sender of an SMS, in whatever spelling. A number in full is a person (`phone`, E.164); a short code or a name is none
 * (`sms-sender`, within the account, for the same short code is another service in another country): anybody can call himself a bank.
 * `digits`: how a number without `+` or `00` is read: `international` (country code first, as Alibaba and Tencent write abroad; their mainland
 * numbers come without one), or `short`, a short code. SMS senders can be forged, so the proof is never more than `channel`.
 */
export function smsSender(
  raw: string,
  { scope, digits }: { scope: string; digits: 'international' | 'short' },
): SmsSender {
  const number = numberOf(raw, digits);
  if (number) return { thread: number, handle: { scheme: 'phone', scope: '', value: number, proof: 'channel' } };
  const value = raw.normalize('NFKC').trim();
  return { thread: value, handle: { scheme: 'sms-sender', scope, value, proof: 'claimed' } };
}

function numberOf(raw: string, digits: 'international' | 'short'): string | null {
  const compact = raw.normalize('NFKC').replace(/[\p{Cf}\s()./-]/gu, '');
  if (/^(?:\+|00)\d+$/.test(compact)) return e164(compact);
  if (digits === 'short' || !/^\d{8,15}$/.test(compact)) return null;
  const mobile = MAINLAND_MOBILE.exec(compact)?.[1];
  return mobile ? `+86${mobile}` : e164(`+${compact}`);
}

/** Is this number of mainland China, where nothing but approved templates may be sent? */
export function isMainland(number: string): boolean {
  return number.startsWith('+86');
}
