import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { InboundMessage, OutboundUnit } from '#normalizer';
import { threadKey } from '#mail';
import { FakeSmtp } from '#mail/testing';
import { ReadingPool } from '../../../../mail/src/read/index.js';
import { eventsIn } from '../testing/reading.js';
import { emailAccount } from '../testing/account.js';
import { certificate, contextOf, CUSTOMER, sending, settings, unitOf } from '../testing/sender.js';

const pool = new ReadingPool({ ms: 20_000, memoryMb: 256 });
let smtp: FakeSmtp;
beforeAll(async () => {
  smtp = await FakeSmtp.start({ certificate });
});
beforeEach(() => void (smtp.mails.length = 0));
afterAll(() => Promise.all([smtp.close(), pool.stop()]));

const thread = threadKey({ root: 'first@customer.example', address: CUSTOMER, claimed: true });
const handles = [{ scheme: 'email', scope: '', value: CUSTOMER, proof: 'claimed' as const }];
const DAY_MS = 86_400_000;

/** Sends an answer in a thread; resolves with the mail and its headers. */
async function answered(more: Partial<OutboundUnit> = {}) {
  const unit = unitOf('Here it is.', {
    thread: { id: 'thr_1', externalId: thread, handles },
    replyTo: 'first@customer.example',
    ...more,
  });
  const [id] = (await sending(unit, contextOf(settings(smtp.port)))) as string[];
  const raw = smtp.mails.at(-1)!.raw;
  const references = /^References:\s+((?:.|\r\n )+)\r\n/im.exec(raw)?.[1]?.replace(/\s+/g, ' ') ?? '';
  return { id: id!, raw, references };
}

async function read(lines: readonly string[], now = emailAccount().now) {
  const { config } = contextOf(settings(smtp.port));
  const context = emailAccount(
    { pool, now },
    { ...config, authentication: { servers: ['mx.shop.example'], verify: false } },
  );
  return eventsIn(Buffer.from(lines.join('\r\n')), context);
}
async function threadOfAnswer(headers: readonly string[], now?: number): Promise<string> {
  const [event] = await read([...headers, 'Message-ID: <next@customer.example>', 'Subject: Re: x', '', 'Thanks!'], now);
  return (event as InboundMessage).thread;
}

describe('an answer to our mail', () => {
  const from = `From: Anna <${CUSTOMER}>`;

  it('continues its thread, by any of the ids that the program of the customer keeps', async () => {
    const { id, references } = await answered();
    const all = `${references} <${id}>`;
    expect(await threadOfAnswer([from, `In-Reply-To: <${id}>`])).toBe(thread);
    expect(await threadOfAnswer([from, `References: ${all}`])).toBe(thread);
    // A server gave our mail another id; a program keeps the first and the last of many.
    expect(
      await threadOfAnswer([
        from,
        `In-Reply-To: <x@relay.example>`,
        `References: ${references.split(' ')[0]} <x@relay.example>`,
      ]),
    ).toBe(thread);
    expect(await threadOfAnswer([from, `In-Reply-To: <${id.toUpperCase()}>`])).toBe(thread);
  });

  it('continues a thread that we began', async () => {
    const { id } = await answered({ thread: { id: 'thr_2', externalId: CUSTOMER, handles }, replyTo: undefined });
    const proof = 'Authentication-Results: mx.shop.example; dmarc=pass header.from=customer.example';
    expect(await threadOfAnswer([proof, from, `In-Reply-To: <${id}>`])).toBe(CUSTOMER);
  });

  it('by somebody else, too late, or with something changed, is a thread of its own, that of nobody else', async () => {
    const { id, references } = await answered();
    const eve = 'From: eve@customer.example';
    const forged = id.replace(/.(?=\.[a-z2-7]+@)/, (last) => (last === 'a' ? 'b' : 'a'));
    const late = emailAccount().now + 200 * DAY_MS;
    const own = [
      await threadOfAnswer([eve, `In-Reply-To: <${id}>`, `References: ${references} <${id}>`]),
      await threadOfAnswer([from, `In-Reply-To: <${id}>`], late),
      await threadOfAnswer([from, `In-Reply-To: <${forged}>`]),
    ];
    expect(own).not.toContain(thread);
    expect(new Set(own).size).toBe(own.length);
  });

  it('by somebody in copy stays one thread, from mail to mail of ours', async () => {
    const [first, second] = [
      await answered(),
      await answered({
        idempotencyKey: `unt_${Date.parse('2026-11-24').toString(16).padStart(12, '0')}70008000000000000002`,
      }),
    ];
    const carl = 'From: carl@customer.example';
    expect(first.references).not.toBe(second.references);
    expect(await threadOfAnswer([carl, `References: ${first.references} <${first.id}>`])).toBe(
      await threadOfAnswer([carl, `References: ${second.references} <${second.id}>`]),
    );
  });
});

describe('our mail', () => {
  it('that comes back is known, though a server gave it another id', async () => {
    const { raw } = await answered();
    expect(await read([raw])).toEqual([]);
    const renamed = raw.replace(/^Message-ID:\s+<.+>/im, 'Message-ID: <other@relay.example>');
    expect(await read([renamed])).toEqual([]);
    const stranger = renamed.replace(/^X-Tributary-Loop: ./im, 'X-Tributary-Loop: 9');
    expect(await read([stranger])).not.toEqual([]);
  });

  it('is known by its report, though that returns nothing of it but the id of the envelope', async () => {
    const { id } = await answered();
    const report = [
      'From: MAILER-DAEMON@mx.example',
      'Message-ID: <r@mx.example>',
      'Content-Type: multipart/report; report-type=delivery-status; boundary=b',
      '',
      '--b',
      'Content-Type: text/plain',
      '',
      'Sorry.',
      '--b',
      'Content-Type: message/delivery-status',
      '',
      `Original-Envelope-Id: ${id}`,
      'Reporting-MTA: dns; mx.example',
      '',
      `Final-Recipient: rfc822; ${CUSTOMER}`,
      'Action: failed',
      'Status: 5.1.1',
      '',
      '--b--',
    ];
    expect(await read(report)).toMatchObject([
      { kind: 'receipt', externalId: id, status: 'failed', failure: { code: 'recipient-gone' } },
    ]);
  });
});
