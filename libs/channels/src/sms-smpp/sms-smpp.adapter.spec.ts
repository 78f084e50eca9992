import { describe, expect, it } from '@jest/globals';
import type { InboundEventInput } from '#normalizer';
import { conformance, type ChannelSubject } from '../testing/index.js';
import { fit } from '../core/fit.js';
import { encode } from './coding.js';
import { Tlv } from './message.js';
import { segmentsOf } from './segments.js';
import { smsSmpp } from './sms-smpp.adapter.js';
import { smsSmppConfig, type SmsSmppConfig } from './sms-smpp.config.js';
import { deliver, FakeSmsc } from './testing/fake-smsc.js';

const at = (base: string) => ({
  host: new URL(base).hostname,
  port: Number(new URL(base).port || 80),
  timeoutMs: 1_000,
});
const customer = { scheme: 'phone' as const, scope: '', value: '+4915112345678', proof: 'channel' as const };
const message = (text: string, from: object = customer): InboundEventInput =>
  ({
    ...{ kind: 'message', dedupeKey: 'message:*', externalIds: [], parts: [{ type: 'text', text }] },
    ...{ thread: (from as { value: string }).value, sender: { handles: [from] } },
  }) as InboundEventInput;
const receipt = (externalId: string, state: string, failure?: object): InboundEventInput =>
  ({
    ...{ kind: 'receipt', dedupeKey: `receipt:${externalId}:${state}`, externalId },
    ...(failure ? { status: 'failed', failure } : { status: 'delivered' }),
  }) as InboundEventInput;
const words = (id: string, state: string, error: string) =>
  Buffer.from(
    `id:${id} sub:001 dlvrd:000 submit date:2611211030 done date:2611211031 stat:${state} err:${error} text:Hello`,
  );
const ucs2 = (text: string) => Buffer.from(text, 'utf16le').swap16();
const part = (number: number, octets: Buffer) =>
  deliver({ esmClass: 0x40, octets: Buffer.concat([Buffer.from([5, 0, 3, 7, 2, number]), octets]) });

const subject: ChannelSubject<SmsSmppConfig> = {
  adapter: smsSmpp as never,
  now: Date.parse('2026-11-21T09:30:00Z'),
  accounts: [
    { id: 'sms', config: (base) => ({ ...at(base), systemId: 'first', password: 'first-password', from: '80808' }) },
    { id: 'other', config: (base) => ({ ...at(base), systemId: 'other', password: 'other-password', from: 'Shop' }) },
  ],
  provide: (responder) => FakeSmsc.start(responder),
  provider: () => ({}),
  isSend: ({ path }) => path === '/submit_sm',
  inbound: [],
  socketCases: [
    {
      name: 'a text in GSM-7',
      says: [deliver({ octets: Buffer.from([0x00, 0x1b, 0x65, 0x41]) })],
      events: [message('@€A')],
    },
    {
      name: 'a text in UCS-2',
      says: [deliver({ dataCoding: 8, octets: ucs2('包裹到哪了？😀') })],
      events: [message('包裹到哪了？😀')],
    },
    {
      name: 'a text in a payload',
      says: [deliver({ tlvs: new Map([[Tlv.payload, Buffer.from('long enough')]]) })],
      events: [message('long enough')],
    },
    {
      name: 'a long text in two parts, the second one first',
      says: [part(2, Buffer.from('world')), part(1, Buffer.from('Hello '))],
      events: [message('Hello world')],
    },
    {
      name: 'STOP',
      says: [deliver({ octets: Buffer.from('STOP') })],
      events: [
        message('STOP'),
        {
          ...{ kind: 'opted-out', dedupeKey: 'consent:*', thread: customer.value, sender: { handles: [customer] } },
          reason: 'the customer wrote STOP',
        },
      ],
    },
    {
      name: 'a name, which is nobody, even one that looks like a number',
      says: ['MyBank', '+491511234'].map((address) =>
        deliver({ source: { ton: 5, npi: 0, address }, octets: Buffer.from('offer') }),
      ),
      events: ['MyBank', '"+491511234"'].map((value) =>
        message('offer', { scheme: 'sms-sender', scope: 'sms', value, proof: 'claimed' }),
      ),
    },
    {
      name: 'a binary message',
      says: [deliver({ dataCoding: 4, octets: Buffer.from([1, 2, 3]) })],
      events: [{ ...message(''), parts: [{ type: 'unsupported', providerType: 'binary SMS' }] } as InboundEventInput],
    },
    {
      name: 'receipts in words and in parameters',
      says: [
        deliver({ esmClass: 0x04, octets: words('0042', 'DELIVRD', '000') }),
        deliver({ esmClass: 0x04, octets: words('a1B2', 'UNDELIV', '011') }),
        deliver({ esmClass: 0x04, octets: words('43', 'ACCEPTD', '000') }),
        deliver({ esmClass: 0x20, octets: words('43', 'ENROUTE', '000') }),
        deliver({
          tlvs: new Map([
            [Tlv.receiptedMessageId, Buffer.from('44\0')],
            [Tlv.messageState, Buffer.from([8])],
            [Tlv.networkError, Buffer.from([3, 0, 21])],
          ]),
        }),
      ],
      events: [
        receipt('42', 'DELIVRD'),
        receipt('a1B2', 'UNDELIV', {
          ...{ code: 'unavailable', providerCode: 'UNDELIV 011' },
          message: 'SMPP UNDELIV 011: the handset could not be reached',
        }),
        receipt('44', 'REJECTD', {
          ...{ code: 'content-refused', providerCode: 'REJECTD 21' },
          message: 'SMPP REJECTD 21: an operator refused it',
        }),
      ],
    },
    {
      name: 'a text that looks like a receipt, which anybody can write',
      says: [deliver({ octets: words('42', 'DELIVRD', '000') })],
      events: [message(words('42', 'DELIVRD', '000').toString())],
    },
  ],
  socketTwins: [deliver({ octets: Buffer.from('ok') }), deliver({ octets: Buffer.from('ok') })],
  outbound: [
    {
      name: 'a text',
      message: { parts: [{ type: 'text', text: 'Price: 5 € [net]' }] },
      requests: [
        {
          ...{ method: 'SMPP', path: '/submit_sm', body: 'Price: 5 € [net]' },
          query: { from: '80808', to: '4915112345678', ton: '3/1', coding: '0', esm: '0' },
        },
      ],
      externalIds: [['id-1']],
    },
    {
      name: 'a long Chinese text, in parts',
      message: { parts: [{ type: 'text', text: '您的包裹已经在路上。'.repeat(10) }] },
      requests: [{ body: '您的包裹已经在路上。'.repeat(10), query: { coding: '8', esm: '64' } }],
      externalIds: [['id-2', 'id-1']],
    },
  ],
  refusals: [
    { name: 'a wrong number', answer: { body: { status: 0x0b } }, code: 'recipient-gone' },
    { name: 'a full queue', answer: { body: { status: 0x14 } }, code: 'throttled' },
    { name: 'a status of the vendor', answer: { body: { status: 0x410 } }, code: 'content-refused' },
    { name: 'a sender that is not ours', answer: { body: { status: 0x0a } }, code: 'config-invalid' },
  ],
  waivers: [
    {
      check: 'send: 429 is throttled, for as long as Retry-After says',
      reason: 'SMPP says that it throttles, and not for how long: core backs off',
    },
  ],
};

conformance(subject);

describe('what the carrier bills is told beforehand', () => {
  const base = { host: 'smsc.example', systemId: 'a', password: 'b', from: '80808' };
  it.each([
    [{ longMessages: 'udh8' }, 'a'.repeat(306)],
    [{ longMessages: 'udh16' }, 'a'.repeat(306)],
    [{ longMessages: 'udh16' }, '中'.repeat(660)],
    [{ longMessages: 'sar' }, '中'.repeat(135)],
    [{ alphabet: 'latin1' }, `${'a'.repeat(100)}€`],
    [{ alphabet: 'latin1' }, 'ä[]'.repeat(40)],
    [{ alphabet: 'latin1', longMessages: 'udh16' }, 'a'.repeat(305)],
  ])('as it is handed over: %j', (more, text) => {
    const config = smsSmppConfig.parse({ ...base, ...more });
    const units = fit({ parts: [{ type: 'text', text }] }, smsSmpp.capabilitiesOf!(config));
    const told = units.map(({ segments }) => segments?.segments);
    const handed = units.map((unit) => segmentsOf(encode(unit.text, config.alphabet), config.longMessages, 1).length);
    expect(told).toEqual(handed);
    expect(Math.max(...handed)).toBeLessThanOrEqual(10);
  });
});

describe('the settings', () => {
  const valid = { host: 'smsc.example', systemId: 'a', password: 'b', from: '80808' };
  it.each([
    ['a password with other characters', { password: 'pässword' }],
    ['a system id that is too long', { systemId: 'a'.repeat(16) }],
    ['national numbers of no country', { numbers: 'national' }],
    ['a certificate without its key', { tls: { cert: '-----BEGIN CERTIFICATE-----' } }],
    ['a sender that is none', { from: 'ein zu langer Name' }],
  ])('do not take %s', (_name, wrong) => {
    expect(smsSmppConfig.safeParse(valid).success).toBe(true);
    expect(smsSmppConfig.safeParse({ ...valid, ...wrong }).success).toBe(false);
  });
});
