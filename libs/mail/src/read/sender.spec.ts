import { describe, expect, it } from '@jest/globals';
import { automationOf, bearsOurs } from './automated.js';
import { readHeaders } from './headers.js';
import { authorOf, borderVerdict } from './sender.js';
import { readingContext } from '../testing/reading.js';
import { dayOf, makeToken, replySecretOf } from '../token/index.js';

const headersOf = (...lines: string[]) => readHeaders(Buffer.from([...lines, '', 'x'].join('\r\n')));
const SERVERS = ['mx.shop.example'];
const PASS =
  'Authentication-Results: mx.shop.example; spf=pass smtp.mailfrom=a@mail.example; dmarc=pass (p=REJECT) header.from=mail.example';
const BORDER =
  'Received: from out.mail.example (1.2.3.4) by mx.shop.example with ESMTPS id 7; Sat, 21 Nov 2026 10:00:00 +0000';

describe('the author', () => {
  it.each([
    ['one address', ['From: "Li, Anna" <Anna@Mail.Example>'], 'anna@mail.example', undefined],
    ['an encoded name', ['From: =?utf-8?B?546L5Lyf?= <a@mail.example>'], 'a@mail.example', undefined],
    [
      'a name that is an address of somebody else',
      ['From: "victim@bank.example" <a@mail.example>'],
      'a@mail.example',
      undefined,
    ],
    ['two From', ['From: a@mail.example', 'From: victim@bank.example'], 'a@mail.example', 'more than one From'],
    [
      'a second From with a blank before its colon',
      ['From: a@mail.example', 'From : victim@bank.example'],
      'a@mail.example',
      'more than one From',
    ],
    [
      'a second From behind an invisible octet',
      ['From: a@mail.example', '\u00a0From: victim@bank.example'],
      'a@mail.example',
      'more than one From',
    ],
    ['two addresses', ['From: a@mail.example, victim@bank.example'], 'a@mail.example', 'more than one address in From'],
    [
      'two addresses without a comma',
      ['From: <victim@mail.example> <a@mail.example>'],
      'victim@mail.example',
      'more than one address in From',
    ],
    [
      'brackets within brackets',
      ['From: "x" <victim@mail.example <a@mail.example>>'],
      'a@mail.example',
      'more than one address in From',
    ],
    [
      'an address that goes on after its brackets',
      ['From: a <victim@mail.example>@evil.example'],
      'victim@mail.example',
      'more than one address in From',
    ],
    ['brackets in a name and a comment', ['From: "A <x> b" <a@mail.example> (<c>)'], 'a@mail.example', undefined],
    ['a name that is the address', ['From: a@mail.example <a@mail.example>'], 'a@mail.example', undefined],
    ['a group', ['From: Team: a@mail.example;'], 'a@mail.example', 'a group in From'],
    ['an empty group', ['From: undisclosed:;'], null, 'no From address'],
    [
      'no From',
      ['Reply-To: victim@bank.example', 'Sender: victim@bank.example', 'Return-Path: <victim@bank.example>'],
      null,
      'no From address',
    ],
    ['nothing that is an address', ['From: Anna'], null, 'no From address'],
    ['an address without its end', ['From: Anna <a@mail.example'], 'a@mail.example', undefined],
  ])('of %s', (...[, lines, address, doubt]) => {
    expect(authorOf(headersOf(...lines))).toMatchObject({ address, doubt });
  });

  it('is never read from Reply-To', () => {
    const { address } = authorOf(headersOf('From: a@attacker.example', 'Reply-To: victim@bank.example'));
    expect(address).toBe('a@attacker.example');
  });
});

describe('the verdict of our border', () => {
  const verdict = (...lines: string[]) => borderVerdict(headersOf(...lines, 'From: a@mail.example'), SERVERS);
  const pass = { result: 'pass', domain: 'mail.example' };

  it.each([
    ['above its Received', [PASS, BORDER]],
    ['below its Received, as Gmail has it', ['Received: by 2002:a05:6a10:8a2c:b0 with SMTP id x', BORDER, PASS]],
    ['after a server within', ['Received: from mx.shop.example by imap.shop.example with LMTP', BORDER, PASS]],
    [
      'with comments and in any case',
      [
        'authentication-results: (a) MX.Shop.Example 1 (b; dmarc=fail);\r\n DMARC=Pass (header.from=evil.example) header.from=mail.example',
        BORDER,
      ],
    ],
    [
      'with that of another server above',
      ['Authentication-Results: other.example; dmarc=fail header.from=mail.example', PASS, BORDER],
    ],
  ])('is taken %s', (_where, lines) => {
    expect(verdict(...lines)).toEqual(pass);
  });

  it.each([
    ['of another server', [BORDER, 'Authentication-Results: other.example; dmarc=pass header.from=mail.example']],
    [
      'of a name that only begins like ours',
      [BORDER, PASS.replace('mx.shop.example;', 'mx.shop.example.evil.example;')],
    ],
    ['in our name below a hop that is not ours', [BORDER, 'Received: from x by relay.evil.example with SMTP', PASS]],
    ['in our name below an unnamed hop before our border', [BORDER, 'Received: from x by 10.0.0.1 with SMTP', PASS]],
    [
      'in a comment',
      [BORDER, 'Authentication-Results: other.example (mx.shop.example; dmarc=pass header.from=mail.example)'],
    ],
    [
      'in a quoted string',
      [BORDER, 'Authentication-Results: mx.shop.example; spf=fail reason="; dmarc=pass header.from=mail.example"'],
    ],
    [
      'in the name that a host gives itself',
      ['Authentication-Results: mx.shop.example; spf=none smtp.helo=x;dmarc=pass/header.from=mail.example', BORDER],
    ],
    [
      'in the address of the envelope',
      [
        'Authentication-Results: mx.shop.example; spf=pass smtp.mailfrom=x; dmarc=pass header.from=mail.example; @evil.example; dmarc=fail header.from=mail.example',
        BORDER,
      ],
    ],
    ['in ARC', [BORDER, 'ARC-Authentication-Results: i=1; mx.shop.example; dmarc=pass header.from=mail.example']],
    ['without an id', [BORDER, 'Authentication-Results: dmarc=pass header.from=mail.example']],
  ])('is not that %s', (_where, lines) => {
    expect(verdict(...lines)).not.toEqual(pass);
  });

  it('is the topmost one of ours', () => {
    expect(verdict(PASS.replace('dmarc=pass', 'dmarc=fail'), BORDER, PASS)).toEqual({ ...pass, result: 'fail' });
  });

  it('comes to an end with hostile comments', () => {
    expect(verdict(`Authentication-Results: ${'('.repeat(60_000)}`, `Received: ${'by ('.repeat(15_000)}`)).toBeNull();
  });
});

describe('mail of programs', () => {
  const reason = (...lines: string[]) => automationOf(headersOf(...lines), 'a@mail.example');

  it.each([
    ['Auto-Submitted: auto-replied'],
    ['Auto-Submitted: auto-generated (by x)'],
    ['Precedence: bulk'],
    ['Precedence: list'],
    ['List-Id: <dev.lists.example>'],
    ['List-Unsubscribe: <mailto:x@y>'],
    ['X-Auto-Response-Suppress: DR, OOF, AutoReply'],
    ['X-Autoreply: yes'],
    ['X-Autorespond: x'],
    ['Feedback-ID: 1:2:3'],
    ['Return-Path: <>'],
    ['Content-Type: multipart/report; report-type=delivery-status'],
    ['Subject: Automatic reply: Order'],
    ['Subject: =?utf-8?B?6Ieq5Yqo5Zue5aSNOiDorqLljZU=?='],
    ['Subject: Out of Office: Order'],
    ['Subject: Abwesenheitsnotiz: Order'],
    ['X-Tributary-Conversation: cnv_1'],
  ])('is known by %s', (line) => {
    expect(reason(line)).not.toBeNull();
  });

  it('is known by its address, and by how often it went round', () => {
    for (const address of [
      'MAILER-DAEMON@x.example',
      'no-reply@x.example',
      'noreply+1@x.example',
      'postmaster@x.example',
    ])
      expect(automationOf(headersOf('Subject: x'), address.toLowerCase())).not.toBeNull();
    expect(reason(...Array.from({ length: 51 }, () => 'Received: by a'))).toBe('a loop');
  });

  it('is not what people write', () => {
    expect(reason('Auto-Submitted: no', 'Return-Path: <a@mail.example>', 'Subject: Re: automatic reply does not work', 'Precedence: normal', 'X-Auto-Response-Suppress: DR')).toBeNull(); // prettier-ignore
    expect(automationOf(headersOf('Subject: x'), 'noreen@mail.example')).toBeNull();
  });

  it('of this gateway is known by its id, and nobody else’s is', () => {
    const { config, now } = readingContext();
    const token = makeToken({ secret: replySecretOf(config), accountId: 'acc_mail', threadKey: 'a'.repeat(20), address: 'x@y.example', day: dayOf(now) }); // prettier-ignore
    expect(bearsOurs(headersOf(`Message-ID: <t.${token}.k7aq3mz5@shop.example>`), config)).toBe(true);
    expect(bearsOurs(headersOf(`Message-ID: <t.${token}.k7aq3mz5@mail.example>`), config)).toBe(false);
    expect(bearsOurs(headersOf('Message-ID: <1@shop.example>', `In-Reply-To: <t.${token}.k7aq3mz5@shop.example>`), config)).toBe(false); // prettier-ignore
  });
});
