import type { InboundEventInput } from '#normalizer';
import { decode } from './coding.js';
import { numberIn, textIn, Tlv, type ShortMessage } from './message.js';
import type { SmsSmppConfig } from './sms-smpp.config.js';
import { stateFailure } from './sms-smpp.failures.js';

type Ids = SmsSmppConfig['messageIds'];

/** Bits 5 to 2 of esm_class: what kind of message it is (section 5.2.12). */
const KIND = 0x3c;
const RECEIPT = 0x04;
const ON_THE_WAY = 0x20;
/** Values of message_state, from 1 (section 5.2.28). */
const STATES = ['ENROUTE', 'DELIVRD', 'EXPIRED', 'DELETED', 'UNDELIV', 'ACCEPTD', 'UNKNOWN', 'REJECTD'];

/** Is it a report on one of our messages? A text that merely looks like one is a text: anybody can write that. */
export function isReport({ esmClass, tlvs }: Pick<ShortMessage, 'esmClass' | 'tlvs'>): boolean {
  const kind = esmClass & KIND;
  return kind === RECEIPT || kind === ON_THE_WAY || (tlvs.has(Tlv.receiptedMessageId) && tlvs.has(Tlv.messageState));
}

/**
 * What a report says: by its parameters where it has them, else by its text `id:... stat:... err:...` (appendix B). Nothing where it names no message, or
 * a state on the way, which says nothing that is not known.
 */
export function reportEvents(
  { octets, dataCoding, tlvs }: Pick<ShortMessage, 'octets' | 'dataCoding' | 'tlvs'>,
  ids: Ids,
): InboundEventInput[] {
  // The words are ASCII, but for message centres that send everything as UCS-2.
  const words = (dataCoding === 8 && decode(octets, 8, { alphabet: 'gsm7' })) || octets.toString('latin1');
  const named = tlvs.get(Tlv.receiptedMessageId);
  const id = (named && textIn(named)) || word(words, 'id');
  const state = STATES[(numberIn(tlvs.get(Tlv.messageState)) ?? 0) - 1] ?? stateOf(word(words, 'stat'));
  if (!id || !state || !/^[\x21-\x7e]{1,64}$/.test(id)) return [];
  const externalId = canonicalId(id, ids === 'hex-receipts');
  const base = { kind: 'receipt', dedupeKey: `receipt:${externalId}:${state}`, externalId } as const;
  if (state === 'DELIVRD') return [{ ...base, status: 'delivered' }];
  const failure = stateFailure(state, errorOf(words, tlvs));
  return failure ? [{ ...base, status: 'failed', failure }] : [];
}

/** A message id as it is stored, whichever way the answer to submit_sm wrote it. */
export function submittedId(id: string, ids: Ids): string {
  return canonicalId(id, ids === 'decimal-receipts');
}

/** Digits in front of which stand zeros, here and not there, name the same message; `hex`: the number that it is in hexadecimal. */
function canonicalId(id: string, hex: boolean): string {
  if (hex && /^(?:0x)?[0-9a-f]{1,32}$/i.test(id)) return BigInt(id.startsWith('0x') ? id : `0x${id}`).toString();
  return /^\d+$/.test(id) ? id.replace(/^0+(?=\d)/, '') : id;
}

function word(words: string, name: string): string | undefined {
  return new RegExp(`(?:^|\\s)${name}:\\s*(\\S+)`, 'i').exec(words)?.[1];
}

/** The states by their first letters, for some write them out. */
function stateOf(said: string | undefined): string | undefined {
  const start = said?.toUpperCase().slice(0, 5);
  return start && start.length === 5 ? STATES.find((state) => state.startsWith(start)) : undefined;
}

/** The carrier's own number for what went wrong: of the text, else of network_error_code, whose first octet is the kind of network. */
function errorOf(words: string, tlvs: ShortMessage['tlvs']): string | undefined {
  const said = word(words, 'err');
  if (said && /^\w{1,8}$/.test(said)) return said;
  const code = tlvs.get(Tlv.networkError);
  return code?.length === 3 ? String(code.readUInt16BE(1)) : undefined;
}
