import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decode, encode } from './coding.js';
import { messageIdIn, readMessage, Tlv, writeMessage, type ShortMessage } from './message.js';
import { senderOf } from './numbers.js';
import { Command, frame, MalformedPdu, PduReader } from './pdu.js';
import { isReport, reportEvents, submittedId } from './receipt.js';
import { segmentsOf, UDHI, userDataOf, type Concatenation } from './segments.js';

const octet = fc.integer({ min: 0, max: 255 });
const octets = (most: number) => fc.uint8Array({ maxLength: most }).map((array) => Buffer.from(array));
const address = fc.record({ ton: octet, npi: octet, address: fc.stringMatching(/^[\x21-\x7e]{0,20}$/) });
const message: fc.Arbitrary<ShortMessage> = fc.record({
  ...{ source: address, destination: address, esmClass: octet, dataCoding: octet, registeredDelivery: octet },
  validity: fc.constantFrom('', '000001020304000R'),
  serviceType: fc.stringMatching(/^[A-Z]{0,5}$/),
  octets: fc.uint8Array({ minLength: 1, maxLength: 254 }).map((array) => Buffer.from(array)),
  tlvs: fc.array(fc.tuple(fc.integer({ min: 1, max: 0x3ff }), octets(40)), { maxLength: 5 }).map((all) => new Map(all)),
});

/** A genuine PDU with some octets changed, left out or put in. */
const damaged = fc
  .tuple(message, fc.array(fc.tuple(fc.nat(), octet, fc.constantFrom(0, 1, 2)), { minLength: 1, maxLength: 6 }))
  .map(([genuine, changes]) => {
    const body = [...writeMessage(genuine)];
    for (const [place, value, what] of changes) {
      const at = place % (body.length + 1);
      if (what === 0) body[at] = value;
      else if (what === 1) body.splice(at, 1 + (value % 8));
      else body.splice(at, 0, value);
    }
    return Buffer.from(body.map((value) => value ?? 0));
  });

/** Everything that is made of a message that came in. Throws nothing but `MalformedPdu`. */
function understand(command: number, body: Buffer): void {
  try {
    const read = readMessage({ command, body });
    if (isReport(read)) reportEvents(read, 'decimal-receipts');
    const { octets: data, place } = userDataOf(read);
    if (place) expect(place.number >= 1 && place.number <= place.total && place.total <= 255).toBe(true);
    const text = decode(data, read.dataCoding, { alphabet: 'gsm7' });
    expect(text === null || text.length <= data.length).toBe(true);
    senderOf(read.source, { from: '1', numbers: 'national', defaultCountry: 'DE' });
    messageIdIn(body);
  } catch (error) {
    if (!(error instanceof MalformedPdu)) throw error;
  }
}

describe('the octets of SMPP', () => {
  it('are cut into PDUs, however they come', () => {
    fc.assert(
      fc.property(
        fc.array(octets(300), { minLength: 1, maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
        (bodies, sizes) => {
          const stream = Buffer.concat(
            bodies.map((body, i) => frame({ command: 4, status: i, sequence: i + 1, body })),
          );
          const reader = new PduReader();
          const found = [];
          for (let at = 0, i = 0; at < stream.length; i += 1) {
            const size = sizes[i % sizes.length]!;
            found.push(...reader.push(stream.subarray(at, at + size)));
            at += size;
          }
          expect(found.map(({ body }) => body.toString('hex'))).toEqual(bodies.map((body) => body.toString('hex')));
          expect(found.map(({ status, sequence }) => [status, sequence])).toEqual(bodies.map((_, i) => [i, i + 1]));
        },
      ),
    );
  });

  it.each([0, 15, 70_001, 0xffffffff])('are given up where a length is %d', (length) => {
    const header = Buffer.alloc(16);
    header.writeUInt32BE(length, 0);
    expect(() => new PduReader().push(header)).toThrow(MalformedPdu);
  });

  it('are written and read as one', () => {
    fc.assert(
      fc.property(message, (given) => {
        const read = readMessage({ command: Command.submitSm, body: writeMessage(given) });
        expect({ ...read, octets: read.octets.toString('hex'), tlvs: [...read.tlvs] }).toEqual({
          ...{ ...given, octets: given.octets.toString('hex') },
          tlvs: [...given.tlvs].map(([tag, value]) => [tag, Buffer.from(value)]),
        });
      }),
    );
  });

  it('of a submit_sm are those of the specification', () => {
    const body = writeMessage({
      source: { ton: 5, npi: 0, address: 'Shop' },
      destination: { ton: 1, npi: 1, address: '49151' },
      ...{ esmClass: 0x40, dataCoding: 8, registeredDelivery: 1, validity: '', serviceType: 'CMT' },
      octets: Buffer.from('4f60', 'hex'),
      tlvs: new Map([[Tlv.sarTotal, Buffer.from([2])]]),
    });
    expect(body.toString('hex')).toBe(
      '434d5400' +
        '050053686f7000' +
        '0101343931353100' +
        '400000' +
        '00' +
        '00' +
        '01000800' +
        '024f60' +
        '020e000102',
    );
  });

  it.each([Command.deliverSm, Command.dataSm])('survive damage and noise (command %d)', (command) => {
    fc.assert(
      fc.property(fc.oneof(damaged, octets(400)), (body) => understand(command, body)),
      { numRuns: 5_000 },
    );
  });
});

describe('a text', () => {
  const of = (...chars: string[]) => fc.string({ unit: fc.constantFrom(...chars), maxLength: 700, size: 'max' });
  const text = fc.oneof(of('a', 'ä', '€', '['), of('a', '€', '中', '😀', ' '));
  it.each(['udh8', 'udh16', 'sar', 'payload'] as Concatenation[])(
    'arrives whole by %s, in messages of at most 140 octets',
    (how) => {
      fc.assert(
        fc.property(text, fc.integer({ min: 0, max: 0xffff }), (given, reference) => {
          const segments = segmentsOf(encode(given, 'gsm7'), how, reference);
          const parts = segments.map((segment) => ({ ...userDataOf(segment), segment }));
          const whole = parts.map(({ octets: data, segment }) =>
            decode(segment.tlvs.get(Tlv.payload) ?? data, segment.dataCoding, { alphabet: 'gsm7' }),
          );
          expect(whole.join('')).toBe(given);
          if (how !== 'payload')
            for (const { octets: data, segment } of parts) {
              const header = segment.esmClass & UDHI ? segment.octets.length - data.length : 0;
              const packed = segment.dataCoding === 8 ? data.length : Math.ceil((data.length * 7) / 8);
              expect(header + packed + (segment.tlvs.size > 0 ? 6 : 0)).toBeLessThanOrEqual(140);
            }
          if (parts.length > 1) {
            expect(parts.map(({ place }) => place?.number)).toEqual(parts.map((_, i) => i + 1));
            expect(new Set(parts.map(({ place }) => place?.reference))).toEqual(
              new Set([how === 'udh8' ? reference & 0xff : reference]),
            );
          }
        }),
        { numRuns: 200 },
      );
    },
  );

  it.each([
    [0, '48656c6c6f40', 'Hello¡', 'gsm7'],
    [0, 'e4', 'ä', 'latin1'],
    [1, '4100', 'A\0', 'gsm7'],
    [3, 'e4', 'ä', 'gsm7'],
    [8, '4f60d83dde00', '你😀', 'gsm7'],
    [8, '4f6059', '你', 'gsm7'],
    [6, 'b0', 'А', 'gsm7'],
    [14, 'b0a1', '가', 'gsm7'],
    [0xf1, '00', '@', 'gsm7'],
    [0x18, '4f60', '你', 'gsm7'],
    [4, '01', null, 'gsm7'],
    [0xf5, '01', null, 'gsm7'],
    [0x14, '01', null, 'gsm7'],
  ] as const)('is read by data_coding %d: %s', (...[coding, hex, read, alphabet]) => {
    expect(decode(Buffer.from(hex, 'hex'), coding, { alphabet })).toBe(read);
  });
});

describe('national alphabets', () => {
  /** A header that names tables (0x24 single, 0x25 locking), then septets. */
  const read = (header: number[], septets: number[]) => {
    const octets = Buffer.from([header.length, ...header, ...septets]);
    const data = userDataOf({ esmClass: UDHI, octets, tlvs: new Map() });
    return decode(data.octets, 0, { alphabet: 'gsm7', tables: data.tables });
  };
  const SS = 0x1b;

  it.each([
    ['Turkish, by single shift', [0x24, 1, 1], [0x49, SS, 0x49, SS, 0x73, SS, 0x67, SS, 0x65], 'Iİşğ€'],
    ['Turkish, by locking shift', [0x25, 1, 1], [0x07, 0x1d, 0x40, 0x60, 0x04], 'ışİç€'],
    ['Spanish, by single shift', [0x24, 1, 2], [0x61, SS, 0x61, SS, 0x09, SS, 0x28], 'aáç{'],
    ['Portuguese, by both', [0x24, 1, 3, 0x25, 1, 3], [0x7b, SS, 0x7b, 0x12, SS, 0x12, 0x18], 'ããªΦ€'],
    ['what a table does not have', [0x24, 1, 2], [SS, 0x62, SS], 'b '],
    ['the usual tables', [0x24, 1, 0, 0x25, 1, 0], [SS, 0x65, 0x09], '€Ç'],
  ])('are read: %s', (...[, header, septets, text]) => expect(read(header, septets)).toBe(text));

  it('are not mistaken for one another: of those of other languages nothing is read', () => {
    expect([read([0x24, 1, 4], [0x41]), read([0x25, 1, 13], [0x41]), read([0x25, 1, 2], [0x41])]).toEqual([
      null,
      null,
      null,
    ]);
  });

  it('have a place for every septet', () => {
    const all = Array.from({ length: 128 }, (_, i) => i).filter((code) => code !== SS);
    for (const language of [1, 3]) expect(new Set(read([0x25, 1, language], all)).size).toBe(127);
  });
});

describe('receipts', () => {
  it('may come in UCS-2', () => {
    const octets = Buffer.from('id:7 sub:001 stat:DELIVRD err:000 text:', 'utf16le').swap16();
    expect(reportEvents({ octets, dataCoding: 8, tlvs: new Map() }, 'same')).toMatchObject([
      { externalId: '7', status: 'delivered' },
    ]);
  });
});

describe('ids', () => {
  it.each([
    ['same', '0012', '12'],
    ['same', 'a1B2', 'a1B2'],
    ['decimal-receipts', '1F', '31'],
    ['decimal-receipts', '0x1f', '31'],
    ['hex-receipts', '31', '31'],
  ] as const)('in answers, %s: %s is %s', (how, id, stored) => expect(submittedId(id, how)).toBe(stored));

  it.each([
    ['same', '0012', '12'],
    ['decimal-receipts', '0000000031', '31'],
    ['hex-receipts', '1F', '31'],
  ] as const)('in receipts, %s: %s is %s', (how, id, stored) => {
    const words = Buffer.from(`id:${id} stat:DELIVRD err:000`);
    expect(reportEvents({ dataCoding: 0, octets: words, tlvs: new Map() }, how)).toMatchObject([
      { externalId: stored },
    ]);
  });
});

describe('who wrote', () => {
  const numbers = { from: '1', numbers: 'international' as const, defaultCountry: 'DE' };
  it.each([
    [1, '4915112345678', '+4915112345678'],
    [0, '4915112345678', '+4915112345678'],
    [0, '+4915112345678', '+4915112345678'],
    [0, '015112345678', '+4915112345678'],
    [2, '15112345678', '+4915112345678'],
    [0, '80808', '80808'],
    [3, '4915112345678', '4915112345678'],
    [5, 'MyBank', 'MyBank'],
    [5, '+4915112345', '"+4915112345"'],
    [5, '004915112345', '"004915112345"'],
    [0, '', 'unknown'],
    [5, '+1\u00ad4155550101', '"+1\u00ad4155550101"'],
    [5, '+\u00b94155550101', '"+\u00b94155550101"'],
    [1, '49-151 12345678', '+4915112345678'],
    [1, '+\u00b94155550101', '"+\u00b94155550101"'],
  ])('type %d, %s is %s', (ton, given, from) => expect(senderOf({ ton, npi: 1, address: given }, numbers)).toBe(from));
});
