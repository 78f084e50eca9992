/** Commands of SMPP 3.4 (section 5.1.2.1). A response has the command of its request and bit 31. */
export const Command = {
  bindReceiver: 0x01,
  bindTransmitter: 0x02,
  submitSm: 0x04,
  deliverSm: 0x05,
  unbind: 0x06,
  bindTransceiver: 0x09,
  outbind: 0x0b,
  enquireLink: 0x15,
  alertNotification: 0x102,
  dataSm: 0x103,
  genericNack: 0x80000000,
} as const;

/** Values of command_status that we answer (section 5.1.3). */
export const Status = {
  ok: 0x00,
  wrongLength: 0x02,
  unknownCommand: 0x03,
  temporary: 0x64,
  permanent: 0x65,
} as const;

const RESPONSE = 0x80000000;
const HEADER = 16;
/** A message payload has 64 KiB at most; nothing that we are told is longer. */
const MOST = 70_000;

/** A protocol data unit: header and body. Numbers are unsigned. */
export interface Pdu {
  readonly command: number;
  readonly status: number;
  readonly sequence: number;
  readonly body: Buffer;
}

/** Octets that are no PDU, or none that can be taken. */
export class MalformedPdu extends Error {
  override readonly name = 'MalformedPdu';
}

export function isResponse(command: number): boolean {
  return command >= RESPONSE;
}

export function responseTo(command: number): number {
  return (command | RESPONSE) >>> 0;
}

/** The octets of a PDU. */
export function frame({
  command,
  status = 0,
  sequence,
  body = Buffer.alloc(0),
}: Partial<Pdu> & Pick<Pdu, 'command' | 'sequence'>): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUInt32BE(HEADER + body.length, 0);
  header.writeUInt32BE(command, 4);
  header.writeUInt32BE(status, 8);
  header.writeUInt32BE(sequence, 12);
  return Buffer.concat([header, body]);
}

/** Cuts what comes over a connection into PDUs. Holds no more than one of the greatest length. */
export class PduReader {
  private chunks: Buffer[] = [];
  private held = 0;

  /** The PDUs that are whole by now. Throws `MalformedPdu` where a length cannot be: nothing after it can be read. */
  push(chunk: Buffer): Pdu[] {
    this.chunks.push(chunk);
    this.held += chunk.length;
    if (this.held < this.wanted()) return [];
    let rest = Buffer.concat(this.chunks);
    const pdus: Pdu[] = [];
    while (rest.length >= 4) {
      const length = lengthOf(rest);
      if (rest.length < length) break;
      pdus.push(read(rest.subarray(0, length)));
      rest = rest.subarray(length);
    }
    this.chunks = rest.length > 0 ? [rest] : [];
    this.held = rest.length;
    return pdus;
  }

  /** Octets until something can be read, so that a PDU in small pieces is put together once. */
  private wanted(): number {
    const [first] = this.chunks;
    return first && first.length >= 4 ? lengthOf(first) : 4;
  }
}

function lengthOf(octets: Buffer): number {
  const length = octets.readUInt32BE(0);
  if (length < HEADER || length > MOST) throw new MalformedPdu(`a PDU of ${length} octets`);
  return length;
}

function read(octets: Buffer): Pdu {
  return {
    command: octets.readUInt32BE(4),
    status: octets.readUInt32BE(8),
    sequence: octets.readUInt32BE(12),
    body: octets.subarray(HEADER),
  };
}
