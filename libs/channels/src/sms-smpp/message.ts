import { Command, MalformedPdu, type Pdu } from './pdu.js';

/** Optional parameters that we read or write (section 5.3.2). */
export const Tlv = {
  receiptedMessageId: 0x001e,
  sarReference: 0x020c,
  sarTotal: 0x020e,
  sarNumber: 0x020f,
  networkError: 0x0423,
  payload: 0x0424,
  messageState: 0x0427,
} as const;

/** A number or a name, with its type of number and its numbering plan (sections 5.2.5 and 5.2.6). */
export interface Address {
  readonly ton: number;
  readonly npi: number;
  readonly address: string;
}

/** What submit_sm, deliver_sm and data_sm carry. `octets` are those of short_message, or of message_payload where there is one. */
export interface ShortMessage {
  readonly source: Address;
  readonly destination: Address;
  readonly esmClass: number;
  readonly dataCoding: number;
  readonly registeredDelivery: number;
  readonly validity: string;
  readonly serviceType: string;
  readonly octets: Buffer;
  readonly tlvs: ReadonlyMap<number, Buffer>;
}

const MOST_TLVS = 100;

/** Reads the octets of a body, one field after the other. */
class Cursor {
  private at = 0;

  constructor(private readonly octets: Buffer) {}

  get left(): number {
    return this.octets.length - this.at;
  }

  octet(): number {
    return this.take(1)[0]!;
  }

  short(): number {
    return this.take(2).readUInt16BE(0);
  }

  take(count: number): Buffer {
    if (this.left < count) throw new MalformedPdu('a body ends within a field');
    this.at += count;
    return this.octets.subarray(this.at - count, this.at);
  }

  /** Text up to its NUL. */
  text(most: number): string {
    const end = this.octets.indexOf(0, this.at);
    if (end < 0 || end - this.at >= most) throw new MalformedPdu('a text has no end');
    const text = this.octets.toString('latin1', this.at, end);
    this.at = end + 1;
    return text;
  }

  address(most: number): Address {
    return { ton: this.octet(), npi: this.octet(), address: this.text(most) };
  }

  tlvs(): Map<number, Buffer> {
    const found = new Map<number, Buffer>();
    while (this.left >= 4 && found.size < MOST_TLVS) {
      const [tag, length] = [this.short(), this.short()];
      found.set(tag, this.take(length));
    }
    return found;
  }
}

/** Reads a submit_sm, deliver_sm or data_sm (sections 4.4, 4.6 and 4.7). Throws `MalformedPdu`. */
export function readMessage({ command, body }: Pick<Pdu, 'command' | 'body'>): ShortMessage {
  const from = new Cursor(body);
  const isData = command === Command.dataSm;
  const longest = isData ? 65 : 21;
  const serviceType = from.text(6);
  const [source, destination, esmClass] = [from.address(longest), from.address(longest), from.octet()];
  if (isData) {
    const [registeredDelivery, dataCoding, tlvs] = [from.octet(), from.octet(), from.tlvs()];
    const octets = tlvs.get(Tlv.payload) ?? Buffer.alloc(0);
    return { serviceType, source, destination, esmClass, registeredDelivery, dataCoding, validity: '', octets, tlvs };
  }
  from.take(2);
  from.text(17);
  const validity = from.text(17);
  const registeredDelivery = from.octet();
  from.take(1);
  const dataCoding = from.octet();
  from.take(1);
  const short = from.take(from.octet());
  const tlvs = from.tlvs();
  const octets = short.length > 0 ? short : (tlvs.get(Tlv.payload) ?? short);
  return { serviceType, source, destination, esmClass, registeredDelivery, dataCoding, validity, octets, tlvs };
}

/** The body of a submit_sm or deliver_sm. `octets` are its short_message: a payload goes into `tlvs`. */
export function writeMessage(message: ShortMessage): Buffer {
  const { serviceType, source, destination, esmClass, dataCoding, registeredDelivery, validity, octets } = message;
  return Buffer.concat([
    text(serviceType),
    addressOf(source),
    addressOf(destination),
    Buffer.from([esmClass, 0, 0]),
    text(''),
    text(validity),
    Buffer.from([registeredDelivery, 0, dataCoding, 0, octets.length]),
    octets,
    ...[...message.tlvs].map(([tag, value]) => tlv(tag, value)),
  ]);
}

/** The body of a bind (section 4.1). */
export function writeBind(bind: { systemId: string; password: string; systemType: string; range: Address }): Buffer {
  const { systemId, password, systemType, range } = bind;
  return Buffer.concat([text(systemId), text(password), text(systemType), Buffer.from([0x34]), addressOf(range)]);
}

/** The message_id of a submit_sm_resp; null where there is none. */
export function messageIdIn(body: Buffer): string | null {
  const end = body.indexOf(0);
  const id = end > 0 ? body.toString('latin1', 0, end).trim() : '';
  return /^[\x21-\x7e]{1,64}$/.test(id) ? id : null;
}

/** A text that ends in NUL, as a TLV or a field holds it. */
export function textIn(octets: Buffer): string {
  const end = octets.indexOf(0);
  return octets.toString('latin1', 0, end < 0 ? octets.length : end).trim();
}

/** A text and its NUL. What cannot stand in one is left out. */
export function text(value: string): Buffer {
  return Buffer.from(`${value.replaceAll('\0', '')}\0`, 'latin1');
}

/** The number that a TLV is; undefined where it has another size than one or two octets. */
export function numberIn(octets: Buffer | undefined): number | undefined {
  return octets && octets.length >= 1 && octets.length <= 2 ? octets.readUIntBE(0, octets.length) : undefined;
}

function addressOf({ ton, npi, address }: Address): Buffer {
  return Buffer.concat([Buffer.from([ton, npi]), text(address)]);
}

function tlv(tag: number, value: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(tag, 0);
  head.writeUInt16BE(value.length, 2);
  return Buffer.concat([head, value]);
}
