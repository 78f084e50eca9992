import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { InboundMessage } from '#normalizer';
import { threadKey } from '#mail';
import { ReadingPool } from '../../../../mail/src/read/index.js';
import { dayOf, makeToken, replySecretOf } from '../../../../mail/src/token/index.js';
import type { KnownMessage } from '../../core/adapter.js';
import { emailAccount } from '../testing/account.js';
import { readInbound } from './inbound.js';
import { place } from './place.js';

const pool = new ReadingPool({ ms: 20_000, memoryMb: 256 });
afterAll(() => pool.stop());
const account = emailAccount({ pool });
const { config, now, accountId } = account;
const DAY_MS = 86_400_000;
const ANNA = 'anna@mail.example';
const EVE = 'eve@mail.example';
const PROVEN = 'Authentication-Results: mx.shop.example; dmarc=pass header.from=mail.example';

let stored: KnownMessage[] = [];
let asked: string[][] = [];
beforeEach(() => void ([stored, asked] = [[], []]));

interface Written {
  readonly id: string;
  readonly from?: string;
  readonly answers?: string;
  readonly references?: string;
  readonly head?: readonly string[];
  readonly text?: string;
}

/** The messages of a page of mails. */
async function page(...mails: readonly Written[]): Promise<InboundMessage[]> {
  const read = await Promise.all(
    mails.map(({ id, from = ANNA, answers, references, head = [], text = id }) => {
      const lines = [
        ...head,
        `From: ${from}`,
        `Message-ID: <${id}>`,
        ...(answers ? [`In-Reply-To: <${answers}>`] : []),
        ...(references ? [`References: ${references}`] : []),
        ...['', text],
      ];
      return readInbound(Buffer.from(lines.join('\r\n')), account);
    }),
  );
  const known = (ids: readonly string[]) => {
    asked.push([...ids]);
    return Promise.resolve(stored.filter(({ externalId }) => ids.includes(externalId)));
  };
  return (await place(read.flat(), { config, known, now: () => now })) as InboundMessage[];
}
const threads = async (...mails: readonly Written[]) => (await page(...mails)).map(({ thread }) => thread);
const rootOf = (root: string, address = ANNA, claimed = true) => threadKey({ root, address, claimed });
const message = (externalId: string, more: Partial<KnownMessage> & { address?: string; proof?: 'claimed' | 'channel' } = {}): KnownMessage => {
  const { address = ANNA, proof = 'claimed', ...rest } = more;
  const handles = [{ scheme: 'email', scope: '', value: address, proof }];
  return { externalId, direction: 'inbound', thread: rootOf('first@mail.example', address, proof === 'claimed'), handles, at: now, ...rest };
}; // prettier-ignore

describe('the thread of a mail', () => {
  it('is that of any mail which it names and this account received, the one that it answers first', async () => {
    stored = [
      message('second@mail.example'),
      message('other@mail.example', { thread: rootOf('another@mail.example') }),
    ];
    expect(await threads({ id: 'a', answers: 'second@mail.example' })).toEqual([rootOf('first@mail.example')]);
    const both = '<unknown@x> <second@mail.example> <other@mail.example>';
    expect(await threads({ id: 'b', references: both })).toEqual([rootOf('another@mail.example')]);
    expect(await threads({ id: 'c', references: both, answers: 'second@mail.example' })).toEqual([
      rootOf('first@mail.example'),
    ]);
    expect(await threads({ id: 'd', answers: 'unknown@x' })).toEqual([rootOf('unknown@x')]);
    expect(await threads({ id: 'e' })).toEqual([rootOf('e')]);
  });

  it('is that of what this account sent to them, under whatever id a server gave it, for as long as a token is good', async () => {
    const sent = { direction: 'outbound' as const, thread: ANNA, proof: 'channel' as const };
    stored = [message('given@relay.example', sent)];
    const answer = { id: 'a', answers: 'given@relay.example', head: [PROVEN] };
    expect(await threads(answer)).toEqual([ANNA]);
    stored = [message('given@relay.example', { ...sent, at: now - 179 * DAY_MS })];
    expect(await threads(answer)).toEqual([ANNA]);
    stored = [message('given@relay.example', { ...sent, at: now - 181 * DAY_MS })];
    expect(await threads(answer)).toEqual([rootOf('given@relay.example', ANNA, false)]);
  });

  it('is nobody else’s, nor that of the same address with another proof', async () => {
    stored = [message('claimed@mail.example'), message('proven@mail.example', { proof: 'channel' }), message('begun@mail.example', { proof: 'channel', thread: ANNA })]; // prettier-ignore
    expect(await threads({ id: 'a', answers: 'claimed@mail.example', from: EVE })).toEqual([rootOf('claimed@mail.example', EVE)]); // prettier-ignore
    expect(await threads({ id: 'b', answers: 'claimed@mail.example', head: [PROVEN] })).toEqual([rootOf('claimed@mail.example', ANNA, false)]); // prettier-ignore
    expect(await threads({ id: 'c', answers: 'proven@mail.example' })).toEqual([rootOf('proven@mail.example')]);
    expect(await threads({ id: 'd', answers: 'begun@mail.example' })).toEqual([rootOf('begun@mail.example')]);
    expect(await threads({ id: 'e', answers: 'proven@mail.example', head: [PROVEN] })).toEqual([rootOf('first@mail.example', ANNA, false)]); // prettier-ignore
    // Somebody else takes part: one of the ids is theirs, another is not.
    const mixed = '<claimed@mail.example> <eves@mail.example>';
    stored.push(message('eves@mail.example', { address: EVE, thread: rootOf('eves', EVE) }));
    expect(await threads({ id: 'f', references: mixed })).toEqual([rootOf('first@mail.example')]);
    expect(await threads({ id: 'g', references: mixed, from: EVE })).toEqual([rootOf('eves', EVE)]);
  });

  it('is never a proven one for mail without proof, whatever the store says of who wrote there last', async () => {
    const proven = rootOf('first@mail.example', ANNA, false);
    stored = [message('second@mail.example', { thread: proven, proof: 'claimed' })];
    expect(await threads({ id: 'a', answers: 'second@mail.example' })).toEqual([rootOf('second@mail.example')]);
    expect(await threads({ id: 'b', answers: 'second@mail.example', head: [PROVEN] })).toEqual([proven]);
  });

  it('is not asked for where a token of ours names it', async () => {
    const thread = rootOf('begun@mail.example');
    const token = makeToken({ secret: replySecretOf(config), accountId, threadKey: thread, address: ANNA, day: dayOf(now) }); // prettier-ignore
    stored = [message('second@mail.example')];
    const mail = { id: 'a', answers: 'second@mail.example', references: `<r.${token}@shop.example>` };
    expect(await threads(mail)).toEqual([thread]);
    expect(asked.flat()).toEqual([expect.stringMatching(/^copy /)]);
  });

  it('is found among the mails of the same page as well, in their order', async () => {
    const [first, second, third, eves] = await threads(
      { id: 'two@m', references: '<one@m>' },
      { id: 'three@m', answers: 'two@m' },
      { id: 'four@m', answers: 'three@m' },
      { id: 'five@m', answers: 'three@m', from: EVE },
    );
    expect([first, second, third]).toEqual([rootOf('one@m'), rootOf('one@m'), rootOf('one@m')]);
    expect(eves).toBe(rootOf('three@m', EVE));
    expect(asked).toHaveLength(1);
  });

  it('is not kept from them by who writes under the same id before', async () => {
    const eves = { id: 'two@m', from: EVE, text: 'mine' };
    const found = await threads(eves, { id: 'two@m', references: '<one@m>' }, { id: 'three@m', answers: 'two@m' });
    expect(found.slice(1)).toEqual([rootOf('one@m'), rootOf('one@m')]);
    stored = [message('four@m', { thread: rootOf('stored@m') })];
    expect(await threads({ ...eves, id: 'four@m' }, { id: 'five@m', answers: 'four@m' })).toEqual([
      rootOf('four@m', EVE),
      rootOf('stored@m'),
    ]);
  });

  it('is not asked for by ids that no database holds', async () => {
    const references = '<one\0@m> <a\x07b@m> <second@mail.example>';
    stored = [message('second@mail.example')];
    expect(await threads({ id: 'a', references, answers: 'two\0@m' })).toEqual([rootOf('first@mail.example')]);
    expect(asked.flat().slice(1)).toEqual(['second@mail.example']);
    const [bare] = await page({ id: 'b\0@m', answers: 'c\0@m', text: 'hi' });
    expect(JSON.stringify(bare)).not.toContain('\\u0000');
  });

  it('is asked for in few questions, however much a page names', async () => {
    const references = (n: number) => Array.from({ length: 400 }, (_, i) => `<${n}.${i}@m>`).join(' ');
    await page(...Array.from({ length: 50 }, (_, n) => ({ id: `${n}@m`, references: references(n) })));
    expect(asked.map((ids) => ids.length <= 1_000)).toEqual([true, true, true]);
    expect(asked.flat()).toContain('49.399@m');
    expect(asked.flat()).not.toContain('49.0@m');
  });
});

describe('a mail that is stored', () => {
  it('is left out, however long ago that was, and wherever it lies; another one under its id is not', async () => {
    const [first] = await page({ id: 'one@m' });
    const copy = first!.externalIds.find((id) => id.startsWith('copy '))!;
    stored = [message('one@m'), message(copy, { at: now - 400 * DAY_MS })];
    expect(await page({ id: 'one@m' })).toEqual([]);
    expect(await page({ id: 'one@m', text: 'something else' })).toHaveLength(1);
    expect(await page({ id: 'one@m', from: EVE })).toHaveLength(1);
  });

  it('cannot be kept out by another one that takes its name', async () => {
    const [first] = await page({ id: 'one@m' });
    const copy = first!.externalIds.at(-1)!;
    for (const id of [copy, `x> <${copy}`, copy.replace(' ', '@')]) {
      const [forged] = await page({ id, from: EVE });
      stored.push(...forged!.externalIds.map((name) => message(name, { address: EVE })));
    }
    expect(await page({ id: 'one@m' })).toHaveLength(1);
  });
});

describe('a report of reading that names a mail by the id which a server gave it', () => {
  const displayed = (from: string, { head = [] as readonly string[], said = 'displayed' } = {}) => ({
    ...{ id: `read.${from}`, from },
    head: [...head, 'Content-Type: multipart/report; report-type=disposition-notification; boundary=b'],
    text: [
      ...['--b', 'Content-Type: text/plain', '', 'It was read.', '--b'],
      ...['Content-Type: message/disposition-notification', '', `Final-Recipient: rfc822;${ANNA}`],
      ...['Original-Message-ID: <given@relay.example>', `Disposition: x; ${said}`, '', '--b--'],
    ].join('\r\n'),
  });
  const receipt = { kind: 'receipt', externalId: 'given@relay.example', status: 'read' };
  const nothing = { kind: 'message', automated: true };

  it('is believed by whom that went to, with the proof of its thread', async () => {
    const sent = message('given@relay.example', { direction: 'outbound', proof: 'channel' });
    stored = [{ ...sent, thread: rootOf('first@mail.example', ANNA, false) }];
    expect(await page(displayed(ANNA, { head: [PROVEN] }))).toMatchObject([receipt]);
    expect(await page(displayed(ANNA, { head: [PROVEN], said: 'deleted' }))).toEqual([]);
    expect(await page(displayed(ANNA))).toMatchObject([nothing]);
    expect(await page(displayed(EVE, { head: [PROVEN] }))).toMatchObject([nothing]);
    stored = [message('given@relay.example', { direction: 'outbound' })];
    expect(await page(displayed(ANNA))).toMatchObject([receipt]);
    expect(await page(displayed(ANNA, { head: [PROVEN] }))).toMatchObject([receipt]);
  });

  it('is a mail of a program where the store knows of none, or had it from them', async () => {
    expect(await page(displayed(ANNA))).toMatchObject([nothing]);
    stored = [message('given@relay.example')];
    expect(await page(displayed(ANNA))).toMatchObject([nothing]);
  });
});
