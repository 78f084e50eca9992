import { ProviderFailure, type FailureCode } from '#normalizer';

type Known = readonly [code: FailureCode, meaning: string];

const OURS = 'the request is not as the message centre wants it';

/** Values of command_status by what they mean here (SMPP 3.4 section 5.1.3). Others, and those of vendors (0x400 to 0x4FF), are final. */
const STATUSES: Readonly<Record<number, Known>> = {
  0x01: ['content-refused', 'the message has a wrong length'],
  0x02: ['config-invalid', OURS],
  0x03: ['config-invalid', 'the message centre does not know the request'],
  0x04: ['unavailable', 'the connection is not bound for that'],
  0x05: ['unavailable', 'the account is bound already, and may be only once'],
  0x06: ['content-refused', 'the priority is refused'],
  0x07: ['config-invalid', 'reports are refused'],
  0x08: ['unavailable', 'the message centre has an error of its own'],
  0x0a: ['config-invalid', 'the sender is refused'],
  0x0b: ['recipient-gone', 'the number is refused'],
  0x0d: ['unauthorized', 'the bind is refused'],
  0x0e: ['unauthorized', 'the password is refused'],
  0x0f: ['unauthorized', 'the system id is refused'],
  0x14: ['throttled', 'the queue of the message centre is full'],
  0x15: ['config-invalid', 'the service type is refused'],
  0x33: ['content-refused', 'the number of recipients is refused'],
  0x40: ['config-invalid', OURS],
  0x42: ['config-invalid', OURS],
  0x43: ['config-invalid', OURS],
  0x44: ['config-invalid', OURS],
  0x45: ['content-refused', 'the message centre refuses the message'],
  0x48: ['config-invalid', 'the type of number of the sender is refused'],
  0x49: ['config-invalid', 'the numbering plan of the sender is refused'],
  0x50: ['config-invalid', 'the type of number of the recipient is refused'],
  0x51: ['config-invalid', 'the numbering plan of the recipient is refused'],
  0x53: ['config-invalid', 'the system type is refused'],
  0x58: ['throttled', 'the account sends more than it may'],
  0x61: ['content-refused', 'the time of delivery is refused'],
  0x62: ['config-invalid', 'the validity is refused'],
  0x64: ['unavailable', 'the receiving application has an error that passes'],
  0x65: ['content-refused', 'the receiving application refuses the message'],
  0x66: ['content-refused', 'the receiving application rejects the message'],
  0xc0: ['config-invalid', OURS],
  0xc1: ['config-invalid', 'optional parameters are refused'],
  0xc2: ['config-invalid', OURS],
  0xc3: ['config-invalid', OURS],
  0xc4: ['config-invalid', OURS],
  0xfe: ['content-refused', 'the message could not be delivered'],
  0xff: ['unavailable', 'the message centre names an unknown error'],
};

/** What a command_status other than 0 says. */
export function statusFailure(status: number): ProviderFailure {
  const known = Object.hasOwn(STATUSES, status) ? STATUSES[status] : undefined;
  const providerCode = `0x${status.toString(16).toUpperCase().padStart(8, '0')}`;
  const [code, meaning] = known ?? ['content-refused', 'the message centre refuses it by a status of its own'];
  return new ProviderFailure(code, `SMPP ${providerCode}: ${meaning}`, { providerCode });
}

/** States of a receipt, by word and by number (section 5.2.28 and appendix B), that are the end of a message which did not arrive. */
const STATES: Readonly<Record<string, Known>> = {
  EXPIRED: ['unavailable', 'the handset could not be reached in time'],
  DELETED: ['cancelled', 'the message was deleted at the message centre'],
  UNDELIV: ['unavailable', 'the handset could not be reached'],
  UNKNOWN: ['outcome-unknown', 'the message centre does not know what became of it'],
  REJECTD: ['content-refused', 'an operator refused it'],
};

/** Why a message failed whose receipt has this state; undefined where the state is none of a failure. `error` is what the carrier says of it. */
export function stateFailure(state: string, error: string | undefined) {
  const known = Object.hasOwn(STATES, state) ? STATES[state] : undefined;
  if (!known) return undefined;
  const providerCode = error === undefined ? state : `${state} ${error}`;
  return { code: known[0], providerCode, message: `SMPP ${providerCode}: ${known[1]}` };
}
