import { dayOf, makeToken, replySecretOf, threadKey } from '#mail';
import type { InboundEventInput, Part } from '#normalizer';
import { conformance, type ChannelSubject } from '../testing/index.js';
import { email } from './email.adapter.js';
import type { EmailConfig } from './email.config.js';
import { FakeMail } from './testing/fake-mail.js';
import { certificate } from './testing/sender.js';

const at = (base: string) => {
  const url = new URL(base);
  const way = { host: url.hostname, tls: { ca: certificate.cert }, timeoutMs: 1_000 };
  const imap = { ...way, port: Number(url.searchParams.get('imap') ?? 1), markSeen: true, pollS: 1, idleS: 1 };
  return { imap, smtp: { ...way, port: Number(url.port || 80) }, authentication: { verify: false } };
};
const mail = (lines: readonly string[]) => Buffer.from(`${lines.join('\r\n')}\r\n`);
const head = (id: string, more: readonly string[] = []) => [
  'From: Anna <anna@customer.example>',
  'To: support@shop.example',
  'Subject: Where is my parcel?',
  `Message-ID: <${id}@customer.example>`,
  'Date: Sun, 22 Nov 2026 11:59:00 +0000',
  ...more,
];
const text = (id: string, words: string, more: readonly string[] = []) =>
  mail([...head(id, more), 'Content-Type: text/plain; charset=utf-8', '', words]);

const now = Date.parse('2026-11-22T12:00:00Z');
const PASSWORD = 'password-of-support';
const token = makeToken({
  secret: replySecretOf({ password: PASSWORD } as EmailConfig),
  accountId: 'acc_mail',
  threadKey: 'a'.repeat(20),
  address: 'anna@customer.example',
  day: dayOf(now),
});
const ours = `t.${token}.k7aq3mz5@shop.example`;
const anna = { scheme: 'email', value: 'anna@customer.example', proof: 'claimed' as const };
const message = (id: string, parts: object[], more: object = {}): InboundEventInput =>
  ({
    ...{ kind: 'message', dedupeKey: `mail:${id}@customer.example:*`, occurredAt: '2026-11-22T11:59:00.000Z' },
    thread: threadKey({ root: `${id}@customer.example`, address: anna.value, claimed: true }),
    ...{ sender: { handles: [anna], name: 'Anna' }, subject: 'Where is my parcel?', parts },
    externalIds: [`${id}@customer.example`, 'copy *'],
    metadata: { unverifiedSender: 'nothing vouches for the sender' },
    ...more,
  }) as InboundEventInput;

const report = (action: string, status: string) =>
  mail([
    'From: MAILER-DAEMON@mx.example',
    'To: support@shop.example',
    `Subject: report ${action}`,
    `Message-ID: <${action}@mx.example>`,
    'Date: Sun, 22 Nov 2026 11:59:00 +0000',
    'Auto-Submitted: auto-replied',
    'Content-Type: multipart/report; report-type=delivery-status; boundary=b',
    ...['', '--b', 'Content-Type: text/plain', '', 'About your mail.'],
    ...['--b', 'Content-Type: message/delivery-status', '', 'Reporting-MTA: dns; mx.example', ''],
    ...['Final-Recipient: rfc822; anna@customer.example', `Action: ${action}`, `Status: ${status}`],
    ...['', '--b', 'Content-Type: text/rfc822-headers', '', `Message-ID: <${ours}>`, '', '--b--'],
  ]);

const displayed = mail([
  ...head('displayed').map((line) => line.replace(/^Subject.*/, 'Subject: Read')),
  'Auto-Submitted: auto-replied',
  'Content-Type: multipart/report; report-type=disposition-notification; boundary=b',
  ...['', '--b', 'Content-Type: text/plain', '', 'It was read.'],
  ...['--b', 'Content-Type: message/disposition-notification', '', 'Final-Recipient: rfc822; anna@customer.example'],
  ...[`Original-Message-ID: <${ours}>`, 'Disposition: manual-action/MDN-sent-manually; displayed', '', '--b--'],
]);
const receipt = (action: string, more: object = {}): InboundEventInput =>
  ({
    ...{ kind: 'receipt', dedupeKey: `mail:${action}@mx.example:*`, externalId: ours, status: action },
    ...{ occurredAt: '2026-11-22T11:59:00.000Z', ...more },
  }) as InboundEventInput;

const file = (kind: string, mimeType: string, name: string) =>
  ({ type: 'media', kind, mimeType, name, bytes: 70, fileId: 'file_1', state: 'ready' }) as Part;
const sent = (query: Record<string, string>) => [{ method: 'SMTP', path: '/mail', query }];

const subject: ChannelSubject<EmailConfig> = {
  adapter: email as never,
  now,
  accounts: [
    {
      id: 'acc_mail',
      config: (base) => ({ ...at(base), address: 'support@shop.example', password: PASSWORD }),
    },
    {
      id: 'acc_other',
      config: (base) => ({ ...at(base), address: 'sales@other.example', password: 'password-of-sales' }),
    },
  ],
  provide: (responder) => FakeMail.start(responder),
  provider: () => ({}),
  isSend: ({ path }) => path === '/mail',
  inbound: [],
  socketCases: [
    { name: 'a text', says: [text('a1', '包裹到哪了？😀')], events: [message('a1', [{ type: 'text', text: '包裹到哪了？😀' }])] },
    {
      name: 'a file',
      says: [
        mail([
          ...head('a2'),
          'Content-Type: multipart/mixed; boundary=b',
          ...['', '--b', 'Content-Type: text/plain', '', 'See the file.'],
          ...['--b', 'Content-Type: application/pdf', 'Content-Disposition: attachment; filename=a.pdf'],
          ...['Content-Transfer-Encoding: base64', '', 'JVBERi0xLjQ=', '--b--'],
        ]),
      ],
      events: [
        message('a2', [
          { type: 'text', text: 'See the file.' },
          {
            ...{ type: 'media', kind: 'file', mimeType: 'application/pdf', name: 'a.pdf', bytes: 8, state: 'pending' },
            ref: JSON.stringify({ location: JSON.stringify(['INBOX', '1', 2, 'a2@customer.example', 'ulHMx2dWgjMhkysZ']), part: '0' }),
          },
        ]),
      ],
    },
    {
      name: 'an answer',
      says: [text('a3', 'Thanks!', [`In-Reply-To: <${ours}>`, `References: <a1@customer.example> <${ours}>`])],
      events: [
        message('a3', [{ type: 'text', text: 'Thanks!' }], {
          thread: 'a'.repeat(20),
          replyTo: ours,
        }),
      ],
    },
    {
      name: 'a bounce',
      says: [report('failed', '5.1.1')],
      events: [receipt('failed', { failure: { code: 'recipient-gone', lasting: true, providerCode: '5.1.1', message: 'the mail came back: there is no such recipient' } })],
    },
    { name: 'word that it arrived', says: [report('delivered', '2.0.0')], events: [receipt('delivered')] },
    { name: 'word that it was read', says: [displayed], events: [{ ...receipt('read'), dedupeKey: 'mail:displayed@customer.example:*' } as InboundEventInput] },
  ],
  socketTwins: [text('t1', 'hello'), text('t2', 'hello')],
  outbound: [
    {
      name: 'a text that answers',
      message: { parts: [{ type: 'text', text: 'It is on its way 📦' }], replyTo: 'a1@customer.example', subject: 'Where is my parcel?' },
      requests: sent({
        ...{ from: 'support@shop.example', to: 'anna@customer.example', subject: 'Re: Where is my parcel?' },
        ...{ text: 'It is on its way 📦', inReplyTo: '<a1@customer.example>' },
      }),
    },
    {
      name: 'html with every kind of file, as one mail',
      message: {
        parts: [
          { type: 'html', html: '<p>Look <b>here</b></p>', text: 'Look here' },
          file('image', 'image/png', 'a.png'),
          file('audio', 'audio/mpeg', 'b.mp3'),
          file('voice', 'audio/ogg', 'c.ogg'),
          file('video', 'video/mp4', 'd.mp4'),
          file('file', 'application/pdf', 'e.pdf'),
          file('sticker', 'image/webp', 'f.webp'),
        ],
      },
      requests: sent({
        files: 'a.png image/png,b.mp3 audio/mpeg,c.ogg audio/ogg,d.mp4 video/mp4,e.pdf application/pdf,f.webp image/webp',
      }),
    },
  ],
  refusals: [
    { name: 'nobody there', answer: { status: 404 }, code: 'recipient-gone' },
  ],
  waivers: [
    { check: 'send: 429 is throttled, for as long as Retry-After says', reason: 'SMTP has no Retry-After: a 4xx reply says no time' },
  ],
}; // prettier-ignore

conformance(subject);
