import { afterAll, describe, expect, it } from '@jest/globals';
import { parseInbound, type InboundEvent } from '#normalizer';
import { emailAccount } from '../testing/account.js';
import { ReadingPool } from '../../../../mail/src/read/index.js';
import {
  dayOf,
  envelopeId,
  LOOP_HEADER,
  loopMark,
  makeToken,
  replySecretOf,
  threadKey,
} from '../../../../mail/src/token/index.js';
import { eventsIn } from '../testing/reading.js';

const pool = new ReadingPool({ ms: 20_000, memoryMb: 256 });
afterAll(() => pool.stop());
const account = emailAccount({ pool });
const { config, accountId, now } = account;
const address = 'anna@mail.example';
const thread = threadKey({ root: '1@mail.example', address, claimed: true });
const token = makeToken({ secret: replySecretOf(config), accountId, threadKey: thread, address, day: dayOf(now) });
const id = `t.${token}.k7aq3mz5k7aq3@shop.example`;

const read = async (lines: readonly string[]): Promise<InboundEvent[]> =>
  (await eventsIn(Buffer.from(lines.join('\r\n')), account)).map((event) => parseInbound(event));
const report = (type: string, machine: readonly string[], { returned = [], text = 'Your mail', head = ['Return-Path: <>'] }: { returned?: readonly string[]; text?: string; head?: readonly string[] }) => [
  ...head,
  ...['From: Mail Delivery Subsystem <mailer-daemon@mx.mail.example>', 'To: support@shop.example', 'Subject: Undelivered', 'Message-ID: <d1@mx.mail.example>'],
  ...[`Content-Type: multipart/report; report-type=${type}; boundary=b`, '', '--b', 'Content-Type: text/plain', '', text],
  ...['--b', `Content-Type: message/${type}`, '', ...machine, ...(returned.length > 0 ? ['--b', ...returned] : []), '--b--', ''],
]; // prettier-ignore
const headers = [
  'Content-Type: text/rfc822-headers',
  '',
  'From: support@shop.example',
  `To: ${address}`,
  `Message-ID:`,
  ` <${id}>`,
  'Subject: Re: x',
];
const recipient = (action: string, status: string, diagnostic = '') => [
  'Reporting-MTA: dns; mx.mail.example',
  '',
  `Final-Recipient: rfc822; ${address}`,
  `Action: ${action}`,
  `Status: ${status}`,
  ...(diagnostic ? [`Diagnostic-Code: smtp; ${diagnostic}`] : []),
];

describe('a report of delivery', () => {
  it.each([
    ['5.1.1', '550 5.1.1 <anna@mail.example>: user unknown', 'recipient-gone'],
    ['5.1.10', '550 5.1.10 RESOLVER.ADR.RecipientNotFound', 'recipient-gone'],
    ['5.2.2', '552 5.2.2 mailbox full', 'recipient-gone'],
    ['5.3.4', '552 5.3.4 too big', 'content-refused'],
    ['5.7.1', '550 5.7.1 blocked as spam', 'content-refused'],
    ['5.7.26', '550-5.7.26 unauthenticated', 'content-refused'],
    ['5.0.0', '550 no such user here', 'recipient-gone'],
    ['4.4.7', '', 'unavailable'],
  ])('that failed with %s is a receipt of the very message', async (status, diagnostic, code) => {
    const events = await read(
      report('delivery-status', recipient('failed', status, diagnostic), { returned: headers }),
    );
    expect(events).toMatchObject([
      { kind: 'receipt', externalId: id, status: 'failed', failure: { code, providerCode: status } },
    ]);
  });

  it('holds no word of the person in what it says of the failure', async () => {
    const [event] = await read(
      report('delivery-status', recipient('failed', '5.1.1', `550 <${address}> unknown`), { returned: headers }),
    );
    expect(JSON.stringify(event)).not.toContain(address);
  });

  it('that is late is no failure, that arrived is a receipt', async () => {
    expect(await read(report('delivery-status', recipient('delayed', '4.4.1'), { returned: headers }))).toEqual([]);
    expect(await read(report('delivery-status', recipient('delivered', '2.0.0'), { returned: headers }))).toMatchObject([{ status: 'delivered', externalId: id }]);
    expect(await read(report('delivery-status', recipient('relayed', '2.0.0'), { returned: headers }))).toMatchObject([{ status: 'delivered' }]);
  }); // prettier-ignore

  it('is found by the whole mail that it returns, and by our id in its words', async () => {
    const whole = ['Content-Type: message/rfc822', '', ...headers.slice(2), '', 'words'];
    expect(await read(report('delivery-status', recipient('failed', '5.1.1'), { returned: whole }))).toMatchObject([
      { externalId: id },
    ]);
    const words = `The mail <${id}> could not be delivered`;
    expect(await read(report('delivery-status', recipient('failed', '5.1.1'), { text: words }))).toMatchObject([
      { externalId: id },
    ]);
  });

  it.each([
    ['qmail', ['Hi. This is the qmail-send program at mx.mail.example.', `<${address}>:`, '192.0.2.1 does not like recipient.', 'Remote host said: 550 5.1.1 User unknown', '', '--- Below this line is a copy of the message.', '', `Message-ID: <${id}>`]],
    ['QQ', ['抱歉，您的邮件被退回来了……', '原邮件信息：', `收件人：${address}`, `Message-ID: <${id}>`, '退信原因：收件人邮箱账户不存在。', 'Host said: 550 Mailbox not found']],
  ])('of %s, which keeps to no standard, is found by our id', async (_whose, text) => {
    const events = await read(['From: MAILER-DAEMON@mx.mail.example', 'Subject: failure notice', 'Return-Path: <>', 'Message-ID: <q@mx>', '', ...text]);
    expect(events).toMatchObject([{ kind: 'receipt', externalId: id, status: 'failed', failure: { code: 'recipient-gone' } }]);
  }); // prettier-ignore

  it('without a form that says that mail is late is no failure, and an answer in somebody’s absence is no report', async () => {
    const words = ['Message-ID: <q@mx>', 'Return-Path: <>', '', `About your mail <${id}> to ${address}: 550 5.1.1`];
    expect(
      await read(['From: postmaster@mx.mail.example', 'Subject: Warning: message delayed 4 hours', ...words]),
    ).toEqual([]);
    for (const head of [
      ['Subject: Out of office'],
      ['Subject: Undeliverable until Monday', 'Auto-Submitted: auto-replied'],
    ])
      expect(await read([`From: ${address}`, ...head, ...words])).toMatchObject([{ kind: 'message', automated: true }]);
  });

  it('that there is no such person lasts, that a mailbox is full does not', async () => {
    const failed = async (status: string) => {
      const [event] = await read(report('delivery-status', recipient('failed', status), { returned: headers }));
      return event?.kind === 'receipt' ? event.failure?.lasting : 'no receipt';
    };
    expect([await failed('5.1.1'), await failed('5.2.2'), await failed('5.7.1')]).toEqual([true, undefined, undefined]);
  });

  it('that there is nobody lasts only of whom we wrote to: who passes mail on has it all the same', async () => {
    const lasting = async (lines: readonly string[]) => {
      const [event] = await read(lines);
      return event?.kind === 'receipt' && [event.status, event.failure?.code, event.failure?.lasting];
    };
    const behind = recipient('failed', '5.1.1').map((line) =>
      line.startsWith('Final') ? `Original-Recipient: rfc822; ${address}\r\nFinal-Recipient: rfc822; old@elsewhere.example` : line,
    ); // prettier-ignore
    const owner = { secret: replySecretOf(config), owner: accountId, domain: 'shop.example' };
    const named = [`Original-Envelope-Id: ${envelopeId(id, owner)}`];
    const passedOn = ['failed', 'recipient-gone', undefined];
    expect(await lasting(report('delivery-status', behind, { returned: headers }))).toEqual(passedOn);
    expect(await lasting(report('delivery-status', [...named, ...behind], {}))).toEqual(passedOn);
    const theirs = [...named, ...recipient('failed', '5.1.1')];
    expect(await lasting(report('delivery-status', theirs, {}))).toEqual(['failed', 'recipient-gone', true]);
    const words = (who: string) => ['From: MAILER-DAEMON@mx.mail.example', 'Subject: failure notice', 'Return-Path: <>', 'Message-ID: <q@mx>', '', `<${who}>: 550 5.1.1 unknown`, `To: ${address}`, `Message-ID: <${id}>`]; // prettier-ignore
    expect(await lasting(words('old@elsewhere.example'))).toEqual(passedOn);
    expect(await lasting(words(address))).toEqual(['failed', 'recipient-gone', true]);
  });

  it('about mail that is not ours is a message of a program, not lost', async () => {
    const other = headers.map((line) => line.replace(id, '1@other.example'));
    const [event] = await read(report('delivery-status', recipient('failed', '5.1.1'), { returned: other }));
    expect(event).toMatchObject({ kind: 'message', automated: true });
  });

  it('is not what a person writes who quotes our id', async () => {
    const [event] = await read([`From: ${address}`, 'Subject: Re: x', `In-Reply-To: <${id}>`, 'Message-ID: <2@mail.example>', '', `What is ${id}? I got 550 5.1.1`]); // prettier-ignore
    expect(event).toMatchObject({ kind: 'message', thread });
  });
});

describe('a report by somebody who has the mail, or knows its id', () => {
  const owner = { secret: replySecretOf(config), owner: accountId, domain: 'shop.example' };
  const failed = (to: readonly string[], more: readonly string[] = []) => [
    'Reporting-MTA: dns; mx.mail.example',
    ...more,
    '',
    ...to,
    'Action: failed',
    'Status: 5.1.1',
  ];
  const theirs = [`Final-Recipient: rfc822; ${address}`];
  const others = ['Final-Recipient: rfc822; anna@inner.example'];
  const pass = (domain: string) => `Authentication-Results: mx.shop.example; dmarc=pass header.from=${domain}`;
  /** `failed` where it is believed, else what it is. */
  const outcome = async (
    machine: readonly string[],
    { returned = headers, head = ['Return-Path: <>'], from = '' } = {},
  ) => {
    const lines = report('delivery-status', machine, { returned, head });
    const [event] = await read(from ? lines.map((line) => line.replace(/^From: Mail.*/, `From: ${from}`)) : lines);
    if (event?.kind === 'receipt') return event.status;
    return event?.kind === 'message' && event.automated ? 'a mail of a program' : event?.kind;
  };
  const changed = (line: string) => line.replace(token, `${token.slice(0, -1)}${token.endsWith('a') ? 'b' : 'a'}`);

  it.each([
    ['has a sender', theirs, { head: ['Return-Path: <eve@evil.example>'] }],
    ['has a sender, and says below that it has none', theirs, { head: ['Return-Path: <eve@evil.example>', 'Return-Path: <>'] }],
    ['says it of themselves', ['Final-Recipient: rfc822; eve@evil.example'], {}],
    ['says it of somebody to whom the mail was passed on', others, {}],
    ['made the id up', theirs, { returned: headers.map(changed) }],
    ['is proven, of a domain that has nothing to do with it', others, { head: ['Return-Path: <>', pass('evil.example')], from: 'mailer-daemon@evil.example' }],
    ['is of the domain of the person, and not proven', others, { from: 'mailer-daemon@mail.example' }],
    ['is proven to be of that domain, and a person', others, { head: ['Return-Path: <eve@mail.example>', pass('mail.example')], from: 'eve@mail.example' }],
    ['is proven to be of that domain, and a person who sends it on without a sender', others, { head: ['Return-Path: <>', pass('mail.example')], from: 'eve@mail.example' }],
    ['is proven to be of that domain, where nobody writes who it came from', others, { head: [pass('mail.example')], from: 'eve@mail.example' }],
  ])('changes nothing of our message where it %s', async (_what, to, more) => {
    expect(await outcome(failed(to), more)).toBe('a mail of a program');
    for (const other of ['Action: delayed', 'Action: delivered']) {
      const machine = failed(to).map((line) => line.replace('Action: failed', other));
      expect(await outcome(machine, more)).toBe('a mail of a program');
    }
  }); // prettier-ignore

  it('counts where a server on the way must have written it', async () => {
    expect(await outcome(failed(theirs))).toBe('failed');
    expect(await outcome(failed(theirs), { head: [] })).toBe('failed');
    expect(await outcome(failed([`Original-Recipient: rfc822;${address}`, ...others]))).toBe('failed');
    const way = { head: ['Return-Path: <>', pass('mx.mail.example')] };
    expect(await outcome(failed(others), way)).toBe('failed');
    const ours = { head: ['Return-Path: <>', pass('shop.example')], from: 'postmaster@shop.example' };
    expect(await outcome(failed(others), ours)).toBe('failed');
  });

  it('counts by the id of the envelope, which no mail holds, whatever else it says', async () => {
    const named = (value: string) => failed(others, [`Original-Envelope-Id: ${value}`]);
    const genuine = envelopeId(id, owner);
    const anybody = { head: ['Return-Path: <relay@mail.example>'], returned: [] as string[] };
    expect(await outcome(named(genuine), anybody)).toBe('failed');
    expect(id.startsWith(`t.${genuine.slice(0, 20)}`)).toBe(true);
    for (const forged of [
      `${genuine.slice(0, -1)}${genuine.endsWith('a') ? 'b' : 'a'}`,
      envelopeId(id, { ...owner, owner: 'acc_other' }),
      envelopeId(id, { ...owner, secret: 'guessed' }),
      id,
      '',
    ])
      expect(await outcome(named(forged), { ...anybody, returned: headers })).toBe('a mail of a program');
  });

  it('in words changes nothing either, where it has a sender or is about nobody we wrote to', async () => {
    const said = (who: string, path: string) =>
      read(['Return-Path: ' + path, 'From: MAILER-DAEMON@mx.mail.example', 'Subject: failure notice', 'Message-ID: <q@mx>', '', `<${who}>: 550 5.1.1 unknown`, `Message-ID: <${id}>`]); // prettier-ignore
    expect(await said(address, '<>')).toMatchObject([{ kind: 'receipt', externalId: id, status: 'failed' }]);
    expect(await said(address, '<eve@evil.example>')).toMatchObject([{ kind: 'message', automated: true }]);
    expect(await said('eve@evil.example', '<>')).toMatchObject([{ kind: 'message', automated: true }]);
  });
});

describe('a report that a mail was read', () => {
  const pass = 'Authentication-Results: mx.shop.example; dmarc=pass header.from=mail.example';
  const proven = threadKey({ root: '1@mail.example', address, claimed: false });
  const provenToken = makeToken({
    secret: replySecretOf(config),
    accountId,
    threadKey: proven,
    address,
    day: dayOf(now),
  });
  const said = (by: string, { disposition = 'manual-action/MDN-sent-manually; displayed', of = id, head = [] as readonly string[] } = {}) =>
    read(
      report('disposition-notification', [`Final-Recipient: rfc822;${address}`, `Original-Message-ID: <${of}>`, `Disposition: ${disposition}`], { head })
        .map((line) => line.replace(/^From: .*/, `From: ${by}`)),
    ); // prettier-ignore

  it('is a receipt by whom the mail went to', async () => {
    expect(await said(address)).toMatchObject([{ kind: 'receipt', externalId: id, status: 'read' }]);
    expect(await said(address, { head: [pass] })).toMatchObject([{ kind: 'receipt', status: 'read' }]);
    expect(await said(address, { disposition: 'automatic-action/MDN-sent-automatically; deleted' })).toEqual([]);
  });

  it('changes nothing by anybody else, nor without the proof of the thread', async () => {
    const nothing = [{ kind: 'message', automated: true }];
    for (const by of ['eve@evil.example', 'eve@mail.example', 'Mailer <mailer-daemon@mail.example>'])
      expect(await said(by, { head: [pass] })).toMatchObject(nothing);
    const of = `t.${provenToken}.k7aq3mz5k7aq3@shop.example`;
    expect(await said(address, { of })).toMatchObject(nothing);
    expect(await said(address, { of, head: [pass] })).toMatchObject([{ kind: 'receipt', externalId: of }]);
  });
});

describe('a report of a complaint', () => {
  const said = (to: string, { from = 'feedback@arf.mail.example', by = 'arf.mail.example', path = '' } = {}) =>
    read(
      report('feedback-report', ['Feedback-Type: abuse', 'User-Agent: x/1', `Original-Rcpt-To: <${to}>`], {
        returned: headers,
        head: [
          `Return-Path: ${path || `<${from}>`}`,
          `Authentication-Results: mx.shop.example; dmarc=pass header.from=${by}`,
        ],
      }).map((line) => line.replace(/^From: Mail.*/, `From: ${from}`)),
    );

  it('opts out whom the mail went to, and nobody else', async () => {
    expect(await said(address)).toMatchObject([{ kind: 'opted-out', thread, sender: { handles: [{ value: address }] }, reason: 'complaint: abuse', untilWritten: true }]); // prettier-ignore
    expect(await said('eve@mail.example')).toMatchObject([{ kind: 'message', automated: true }]);
  });

  it.each([
    ['a stranger', { from: 'eve@evil.example', by: 'evil.example' }],
    ['a stranger without a sender', { from: 'postmaster@evil.example', by: 'evil.example', path: '<>' }],
    ['somebody at the same provider', { from: 'eve@mail.example', by: 'mail.example' }],
    ['somebody at the same provider, sent on without a sender', { from: 'eve@mail.example', by: 'mail.example', path: '<>' }],
    ['a server, as it says', { by: 'evil.example' }],
  ])('changes nothing by %s', async (_whom, more) => {
    expect(await said(address, more)).toMatchObject([{ kind: 'message', automated: true }]);
  }); // prettier-ignore
});

describe('a reply token', () => {
  const reply = (from: string, ids: string) =>
    read([`From: ${from}`, 'Subject: Re: x', 'Message-ID: <2@mail.example>', `References: ${ids}`, '', 'x']);

  it('leads the answer of whom it was made for to the thread', async () => {
    expect(await reply(address, `<r.${token}@shop.example>`)).toMatchObject([{ thread }]);
    expect(await reply('Anna <ANNA@mail.example>', `<z@y> <t.${token}.aaaaaaaaaaaaa@shop.example>`)).toMatchObject([
      { thread },
    ]);
  });

  it('leads nobody else there, nor when it was forged or made on another account or is old', async () => {
    const old = makeToken({
      secret: replySecretOf(config),
      accountId,
      threadKey: thread,
      address,
      day: dayOf(now) - 181,
    });
    const other = makeToken({
      secret: replySecretOf(config),
      accountId: 'acc_other',
      threadKey: thread,
      address,
      day: dayOf(now),
    });
    const cases: [string, string][] = [
      ['eve@mail.example', token],
      [address, `${token.slice(0, -1)}${token.endsWith('a') ? 'b' : 'a'}`],
      [address, old],
      [address, other],
    ];
    const threads = await Promise.all(
      cases.map(async ([from, key]) => (await reply(from, `<r.${key}@shop.example>`))[0]),
    );
    expect(threads.map((event) => event?.kind === 'message' && event.thread === thread)).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(new Set(threads.map((event) => event?.kind === 'message' && event.thread)).size).toBe(2);
  });

  it('of a proven thread leads no mail there that is only claimed', async () => {
    const proven = threadKey({ root: '1@mail.example', address, claimed: false });
    const key = makeToken({ secret: replySecretOf(config), accountId, threadKey: proven, address, day: dayOf(now) });
    const [claimed] = await reply(address, `<r.${key}@shop.example>`);
    expect(claimed).not.toMatchObject({ thread: proven });
    const pass = 'Authentication-Results: mx.shop.example; dmarc=pass header.from=mail.example';
    const [known] = await read([pass, `From: ${address}`, 'Message-ID: <2@mail.example>', `References: <r.${key}@shop.example>`, '', 'x']); // prettier-ignore
    expect(known).toMatchObject({ thread: proven, sender: { handles: [{ proof: 'channel' }] } });
  });

  it('of a thread that we began with an address leads no mail there that only claims the address', async () => {
    const key = makeToken({ secret: replySecretOf(config), accountId, threadKey: address, address, day: dayOf(now) });
    const mail = [`From: ${address}`, 'Message-ID: <2@mail.example>', `References: <r.${key}@shop.example>`, '', 'x'];
    const [claimed] = await read(mail);
    expect(claimed).not.toMatchObject({ thread: address });
    const pass = 'Authentication-Results: mx.shop.example; dmarc=pass header.from=mail.example';
    expect(await read([pass, ...mail])).toMatchObject([{ thread: address }]);
  });

  it('in a copy of our own mail makes nothing of it; other mail from our address is of a program', async () => {
    const own = ['From: support@shop.example', `Message-ID: <${id}>`, '', 'x'];
    expect(await read(own)).toEqual([]);
    expect(await read(['Return-Path: <support@shop.example>', ...own])).toEqual([]);
    const mark = `${LOOP_HEADER}: ${loopMark(config)}`;
    expect(await read(['From: Shop <help@shop.example>', 'Message-ID: <1@relay>', mark, '', 'x'])).toEqual([]);
    for (const own of ['Help <help@shop.example>', 'support@shop.example'])
      expect(await read([`From: ${own}`, 'Message-ID: <form@www>', '', 'A form'])).toMatchObject([{ automated: true }]);
  });

  it.each([
    ['Delivered-To: support@shop.example'],
    ['X-Original-To: support@shop.example'],
    ['List-Id: <all.shop.example>'],
  ])(
    'in our own mail that went round (%s) is a mail of a program: stored, and no part of the thread that it was sent to',
    async (way) => {
      const [event] = await read([way, 'From: support@shop.example', `Message-ID: <${id}>`, `References: <r.${token}@shop.example>`, '', 'x']); // prettier-ignore
      expect(event).toMatchObject({ kind: 'message', automated: true, sender: { handles: [{ value: 'support@shop.example' }] } }); // prettier-ignore
      expect(event).not.toMatchObject({ thread });
    },
  );

  it('that stands in somebody else’s mail as its id, or our mark in its head, loses nothing of it', async () => {
    for (const head of [`Message-ID: <${id}>`, `${LOOP_HEADER}: ${loopMark(config)}`])
      expect(await read([`From: ${address}`, head, '', 'It is broken'])).toMatchObject([
        { kind: 'message', automated: true, parts: [{ text: 'It is broken' }] },
      ]);
  });
});
