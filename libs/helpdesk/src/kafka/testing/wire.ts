/** Reads what Kafka's protocol writes (https://kafka.apache.org/protocol): big-endian numbers, lengths before texts. */
export class Reader {
  private at = 0;

  constructor(private readonly buffer: Buffer) {}

  get rest(): number {
    return this.buffer.length - this.at;
  }

  int8(): number {
    return this.buffer.readInt8((this.at += 1) - 1);
  }

  int16(): number {
    return this.buffer.readInt16BE((this.at += 2) - 2);
  }

  int32(): number {
    return this.buffer.readInt32BE((this.at += 4) - 4);
  }

  int64(): bigint {
    return this.buffer.readBigInt64BE((this.at += 8) - 8);
  }

  /** Zigzag, seven bits a byte. */
  varint(): number {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = this.buffer.readUInt8((this.at += 1) - 1);
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
  }

  take(length: number): Buffer {
    return this.buffer.subarray(this.at, (this.at += length));
  }

  text(): string | null {
    const length = this.int16();
    return length < 0 ? null : this.take(length).toString();
  }

  bytes(): Buffer {
    return this.take(this.int32());
  }

  array<T>(read: () => T): T[] {
    const length = this.int32();
    return Array.from({ length: Math.max(length, 0) }, read);
  }
}

export const int8 = (value: number): Buffer => Buffer.from([value]);
export const int16 = (value: number): Buffer => sized(2, (b) => b.writeInt16BE(value));
export const int32 = (value: number): Buffer => sized(4, (b) => b.writeInt32BE(value));
export const int64 = (value: bigint): Buffer => sized(8, (b) => b.writeBigInt64BE(value));
export const text = (value: string): Buffer => Buffer.concat([int16(Buffer.byteLength(value)), Buffer.from(value)]);
export const array = (items: readonly Buffer[]): Buffer => Buffer.concat([int32(items.length), ...items]);

function sized(bytes: number, write: (buffer: Buffer) => unknown): Buffer {
  const buffer = Buffer.alloc(bytes);
  write(buffer);
  return buffer;
}

/** One record of a batch. */
export interface WireRecord {
  readonly key: string;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** A batch of records in message format 2, which an idempotent producer numbers. */
export interface WireBatch {
  readonly producerId: bigint;
  readonly baseSequence: number;
  readonly records: readonly WireRecord[];
}

/** Throws where the batch is no whole one of format 2 with a right checksum. */
export function readBatch(bytes: Buffer): WireBatch {
  const reader = new Reader(bytes);
  reader.int64();
  const length = reader.int32();
  if (length !== bytes.length - 12) throw new Error('the batch is not as long as it says');
  reader.int32();
  if (reader.int8() !== 2) throw new Error('the batch is of another format');
  const checksum = reader.int32() >>> 0;
  if (crc32c(bytes.subarray(bytes.length - reader.rest)) !== checksum) throw new Error('the checksum is wrong');
  if ((reader.int16() & 7) !== 0) throw new Error('the batch is compressed');
  reader.int32();
  reader.int64();
  reader.int64();
  const producerId = reader.int64();
  reader.int16();
  return { producerId, baseSequence: reader.int32(), records: reader.array(() => readRecord(reader)) };
}

function readRecord(reader: Reader): WireRecord {
  reader.varint();
  reader.int8();
  reader.varint();
  reader.varint();
  const key = reader.take(reader.varint()).toString();
  const value = reader.take(reader.varint());
  const headers = Array.from({ length: reader.varint() }, () => {
    const name = reader.take(reader.varint()).toString();
    return [name, reader.take(reader.varint()).toString()] as const;
  });
  return { key, value, headers: Object.fromEntries(headers) };
}

/** CRC-32C (Castagnoli). */
function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
