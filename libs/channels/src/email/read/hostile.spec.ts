import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseInbound, type InboundMessage } from '#normalizer';
import { hostileMails, mailCorpus } from '#mail/testing';
import { isPolluted } from '#transport/testing';
import { emailAccount } from '../testing/account.js';
import { mutated, random } from '../../wechat/testing/index.js';
import { openPart, ReadingPool } from '../../../../mail/src/read/index.js';
import { timeFor } from '../../../../mail/src/read/pool.js';
import { eventsIn } from '../testing/reading.js';

/** How many mails: `MAIL_FUZZ=1000000` for the long run. `MAIL_FUZZ_SEED` repeats one. */
const MAILS = Number(process.env['MAIL_FUZZ'] ?? 3_000);
const SEED = Number(process.env['MAIL_FUZZ_SEED'] ?? 42);

const pool = new ReadingPool();
afterAll(() => pool.stop());
const account = emailAccount({ pool });

async function read(source: Buffer, context = account): Promise<InboundMessage> {
  const [event] = await eventsIn(source, context);
  return parseInbound(event) as InboundMessage;
}
const originalOf = (event: InboundMessage) =>
  event.parts.find((part) => part.type === 'media' && part.purpose === 'original');

describe('a hostile mail', () => {
  it.each(Object.keys(hostileMails))('of %s is a message, at worst one with nothing but its original', async (name) => {
    const source = Buffer.from(hostileMails[name]!());
    const event = await read(source);
    expect(event.kind).toBe('message');
    expect(event.parts.length).toBeGreaterThan(0);
    if (event.parts.some(({ type }) => type === 'unsupported') && source.length > 1_000) expect(originalOf(event)).toBeDefined();
  });

  it.each(['no boundary', 'a boundary that does not occur', 'nothing but a multipart'])('with %s loses no words', async (name) => {
    const event = await read(Buffer.from(hostileMails[name]!()));
    expect(JSON.stringify(event.parts)).toContain('hello there');
  });

  it.each(['no boundary', 'a boundary that does not occur'])('with %s is read by the boundary that it has', async (name) => {
    expect((await read(Buffer.from(hostileMails[name]!()))).parts).toEqual([{ type: 'text', text: 'hello there' }]);
  });

  it('that takes too long, or too much memory, is set aside, and the next one is read', async () => {
    const slow = new ReadingPool({ ms: 1, memoryMb: 256 });
    const small = new ReadingPool({ ms: 20_000, memoryMb: 6 });
    const source = Buffer.from(hostileMails['300,000 elements']!());
    const late = await read(source, emailAccount({ pool: slow }));
    expect(late).toMatchObject({ subject: 'Hostile', sender: { handles: [{ value: 'eve@mail.example' }] } });
    expect(late.parts).toMatchObject([{ type: 'text', text: 'Hostile' }, { type: 'unsupported', providerType: 'mail: reading took more than 1 ms' }, { type: 'media', purpose: 'original' }]);
    const large = await read(source, emailAccount({ pool: small }));
    expect(large.parts).toContainEqual({ type: 'unsupported', providerType: 'mail: reading took too much memory' });
    expect(large.dedupeKey).toBe(late.dedupeKey);
    await expect(openPart(source, '0', slow)).rejects.toMatchObject({ code: 'content-refused' });
    expect((await read(Buffer.from('From: a@mail.example\r\n\r\nhi'))).parts).toEqual([{ type: 'text', text: 'hi' }]);
    await Promise.all([slow.stop(), small.stop()]);
  });

  it('has the two seconds, and an honest one of 35 MB the time that its files take', () => {
    expect(timeFor(100_000, 2_000)).toBeLessThan(2_050);
    expect(timeFor(35_000_000, 2_000)).toBeGreaterThan(5_000);
  });

  it('holds up no other one: more than there are threads, at once', async () => {
    const quick = Buffer.from('From: a@mail.example\r\n\r\nhi');
    const events = await Promise.all(Array.from({ length: 20 }, () => read(quick)));
    expect(events.map(({ parts }) => parts)).toEqual(Array.from({ length: 20 }, () => [{ type: 'text', text: 'hi' }]));
  });
}); // prettier-ignore

describe('mutated mails', () => {
  const seeds: Buffer[] = [];
  beforeAll(() => {
    const corpus = mailCorpus().filter((_, i) => i % 9 === 0).map(({ source }) => source); // prettier-ignore
    const hostile = ['no boundary', 'quoted-printable rubbish', 'NUL and halves of characters'].map((name) => Buffer.from(hostileMails[name]!().slice(0, 4_000))); // prettier-ignore
    seeds.push(...corpus, ...hostile);
  });

  it(
    `(${MAILS}) are each a message, or nothing where they are our own: none is lost, none brings the reader down`,
    async () => {
      const chance = random(SEED);
      const one = async (i: number, body: Buffer): Promise<number> => {
        try {
          const events = await eventsIn(body, account);
          events.forEach((event) => parseInbound(event));
          return events.length;
        } catch (error) {
          throw new Error(`mail ${i} of seed ${SEED} (${body.toString('base64').slice(0, 2_000)})`, { cause: error });
        }
      };
      for (let i = 0; i < MAILS; i += 20) {
        const bodies = Array.from({ length: 20 }, () =>
          mutated(seeds[Math.floor(chance() * seeds.length)]!, chance, { seeds, maxBytes: 200_000 }),
        );
        const counts = await Promise.all(bodies.map((body, n) => one(i + n, body)));
        expect(counts).toEqual(counts.map(() => 1));
        if (isPolluted()) throw new Error(`mail ${i} of seed ${SEED} wrote to Object.prototype`);
      }
    },
    Math.max(120_000, MAILS * 20),
  );
});
