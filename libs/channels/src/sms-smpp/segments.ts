import type { Coded } from './coding.js';
import { Tlv, type ShortMessage } from './message.js';
import type { NationalTables } from './national.js';

/** A part without its alphabet. */
type UserPart = Omit<Segment, 'dataCoding'>;

/** How the parts of a long message name each other, or that it goes in one piece. */
export type Concatenation = 'udh8' | 'udh16' | 'sar' | 'payload';

/** What one PDU carries of a message. */
export type Segment = Pick<ShortMessage, 'esmClass' | 'dataCoding' | 'octets' | 'tlvs'>;

/** esm_class: the user data begin with a header (section 5.2.12). */
export const UDHI = 0x40;
const HEADERS = { udh8: 6, udh16: 7, sar: 6, payload: 0 } as const;

/** The PDUs of a text, in order. `reference` is what its parts have in common, 16 bits. */
export function segmentsOf({ dataCoding, pieces, room }: Coded, how: Concatenation, reference: number): Segment[] {
  const whole = Buffer.concat(pieces.map(({ octets }) => octets));
  if (how === 'payload')
    return [{ esmClass: 0, dataCoding, octets: Buffer.alloc(0), tlvs: new Map([[Tlv.payload, whole]]) }];
  const cost = pieces.reduce((sum, piece) => sum + piece.cost, 0);
  if (cost <= room(0)) return [{ esmClass: 0, dataCoding, octets: whole, tlvs: new Map() }];
  const most = room(HEADERS[how]);
  const groups: Buffer[][] = [[]];
  let used = 0;
  for (const piece of pieces) {
    if (used + piece.cost > most) {
      groups.push([]);
      used = 0;
    }
    groups.at(-1)!.push(piece.octets);
    used += piece.cost;
  }
  const total = groups.length;
  return groups.map((group, i) => ({
    dataCoding,
    ...numbered(Buffer.concat(group), how, { reference, total, number: i + 1 }),
  }));
}

/** A part's place in a long message. */
export interface Place {
  readonly reference: number;
  readonly total: number;
  readonly number: number;
}

function numbered(octets: Buffer, how: Concatenation, { reference, total, number }: Place): UserPart {
  if (how === 'sar') {
    const sar: [number, Buffer][] = [
      [Tlv.sarReference, Buffer.from([reference >> 8, reference & 0xff])],
      [Tlv.sarTotal, Buffer.from([total])],
      [Tlv.sarNumber, Buffer.from([number])],
    ];
    return { esmClass: 0, octets, tlvs: new Map(sar) };
  }
  const header =
    how === 'udh8'
      ? [5, 0x00, 3, reference & 0xff, total, number]
      : [6, 0x08, 4, reference >> 8, reference & 0xff, total, number];
  return { esmClass: UDHI, octets: Buffer.concat([Buffer.from(header), octets]), tlvs: new Map() };
}

/** User data without their header, and the place that it, or SAR parameters, name. `ports`: they are for an application of the phone. */
export interface UserData {
  readonly octets: Buffer;
  readonly tables?: NationalTables;
  readonly place?: Place;
  readonly ports: boolean;
}

/** Takes the header off user data (3GPP TS 23.040 section 9.2.3.24). A header that runs over the end is none. */
export function userDataOf({ esmClass, octets, tlvs }: UserPart): UserData {
  const headerLength = octets[0] ?? 0;
  if ((esmClass & UDHI) === 0 || headerLength >= octets.length)
    return { octets, ...placed(sarPlace(tlvs)), ports: false };
  const elements = elementsOf(octets.subarray(1, 1 + headerLength));
  const rest = octets.subarray(1 + headerLength);
  const [short, long] = [elements.get(0x00), elements.get(0x08)];
  const data = { octets: rest, ports: elements.has(0x04) || elements.has(0x05), ...tablesIn(elements) };
  if (short?.length === 3) return { ...data, ...placed(place(short[0]!, short[1]!, short[2]!)) };
  if (long?.length === 4) return { ...data, ...placed(place(long.readUInt16BE(0), long[2]!, long[3]!)) };
  return { ...data, ...placed(sarPlace(tlvs)) };
}

/** National alphabets that the header names (3GPP TS 23.040 sections 9.2.3.24.15 and .16). */
function tablesIn(elements: ReadonlyMap<number, Buffer>): { tables?: NationalTables } {
  const [single, locking] = [elements.get(0x24)?.[0] ?? 0, elements.get(0x25)?.[0] ?? 0];
  return single || locking ? { tables: { single, locking } } : {};
}

function elementsOf(header: Buffer): Map<number, Buffer> {
  const elements = new Map<number, Buffer>();
  for (let at = 0; at + 2 <= header.length;) {
    const end = at + 2 + header[at + 1]!;
    if (end > header.length) break;
    elements.set(header[at]!, header.subarray(at + 2, end));
    at = end;
  }
  return elements;
}

function sarPlace(tlvs: ReadonlyMap<number, Buffer>): Place | undefined {
  const [reference, total, number] = [Tlv.sarReference, Tlv.sarTotal, Tlv.sarNumber].map((tag) => tlvs.get(tag));
  if (reference?.length !== 2 || total?.length !== 1 || number?.length !== 1) return undefined;
  return place(reference.readUInt16BE(0), total[0]!, number[0]!);
}

/** A place that cannot be is none. */
function place(reference: number, total: number, number: number): Place | undefined {
  return total > 1 && number >= 1 && number <= total ? { reference, total, number } : undefined;
}

function placed(found: Place | undefined): { place?: Place } {
  return found ? { place: found } : {};
}
