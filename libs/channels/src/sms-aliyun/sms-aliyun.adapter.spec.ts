import { describe, expect, it } from '@jest/globals';
import type { InboundEventInput, OutboundUnit, ProviderFailure } from '#normalizer';
import { guardedHttp, receive } from '#transport';
import type { AdapterContext } from '../core/adapter.js';
import { fit } from '../core/fit.js';
import {
  conformance,
  fakeProvider,
  loadFixture,
  rawRequest,
  type ChannelSubject,
  type FakeAnswer,
  type LoggedRequest,
} from '../testing/index.js';
import { reportFailure } from './sms-aliyun.failures.js';
import { smsAliyun } from './sms-aliyun.adapter.js';
import type { SmsAliyunConfig } from './sms-aliyun.config.js';

const now = Date.parse('2026-11-21T09:30:00Z');
const fixture = (name: string) => loadFixture(new URL(`./fixtures/${name}.json`, import.meta.url));
const settings = {
  ...{ accessKeyId: 'LTAI5first', accessKeySecret: 'first access key secret', pathSecret: 'first-secret-of-the-path' },
  ...{
    signName: '云商城',
    replyTemplate: { code: 'SMS_7', max: 500 },
    templates: { code: { code: 'SMS_1', text: '验证码${code}' } },
  },
  queues: { report: 'Alicom-Queue-1-SmsReport', up: 'Alicom-Queue-1-SmsUp' },
};

const taken = { status: 200, body: '{"code":0,"msg":"接收成功"}' };
const message = (key: string, from: object, text: string): InboundEventInput =>
  ({
    ...{ kind: 'message', dedupeKey: `message:${key}`, externalIds: [key], occurredAt: sentAt },
    ...{ thread: (from as { value: string }).value, sender: { handles: [from] }, parts: [{ type: 'text', text }] },
  }) as InboundEventInput;
const phone = (value: string) => ({ scheme: 'phone', value, proof: 'channel' });
const receipt = (key: string, occurredAt: string, failure?: object): InboundEventInput =>
  ({
    ...{ kind: 'receipt', dedupeKey: `receipt:${key}`, externalId: key.split(':')[0], occurredAt },
    ...(failure ? { status: 'failed', failure } : { status: 'delivered' }),
  }) as InboundEventInput;
const sentAt = '2026-11-21T17:29:58+08:00';
const reportedAt = '2026-11-21T17:20:03+08:00';
const abroadAt = '2021-11-25T02:25:33.000Z';

const asked: LoggedRequest[] = [];
const token = {
  Code: 'OK',
  MessageTokenDTO: { AccessKeyId: 'STS.1', AccessKeySecret: 'sts secret', SecurityToken: 'sts token' },
};
const xml = (messages: [handle: string, body: string][]) =>
  `<?xml version="1.0"?><Messages xmlns="http://mns.aliyuncs.com/doc/v1/">${messages
    .map(
      ([handle, body]) =>
        `<Message><MessageId>1</MessageId><ReceiptHandle>${handle}</ReceiptHandle><MessageBody>${body}</MessageBody></Message>`,
    )
    .join('')}</Messages>`;
const nothing: FakeAnswer = { status: 404, body: '<Error><Code>MessageNotExist</Code></Error>' };
const base64 = (body: object) => Buffer.from(JSON.stringify(body)).toString('base64');
const report = {
  phone_number: '13800138000',
  report_time: '2026-11-21 17:20:03',
  success: true,
  err_code: 'DELIVERED',
  biz_id: 'b',
  out_id: 'unt_9',
};

/** The queues as they are documented: a token first, then messages, which are deleted afterwards. */
const queues =
  (of: Record<string, FakeAnswer>) =>
  (request: LoggedRequest): FakeAnswer => {
    asked.push(request);
    if (request.headers['x-acs-action'] === 'QueryTokenForMnsQueue') return { body: token };
    if (request.method === 'DELETE') return { status: 204 };
    return of[request.path.includes('SmsUp') ? 'up' : 'report'] ?? nothing;
  };

const subject: ChannelSubject<SmsAliyunConfig> = {
  adapter: smsAliyun,
  now,
  accounts: [
    { id: 'sms', config: (apiBase) => ({ ...settings, apiBase }) },
    {
      id: 'other',
      config: (apiBase) => ({
        ...{
          accessKeyId: 'LTAI5other',
          accessKeySecret: 'other access key secret',
          pathSecret: 'other-secret-of-the-path',
        },
        ...{ signName: '别的商城', replyTemplate: { code: 'SMS_8' }, apiBase },
      }),
    },
  ],
  inbound: [
    {
      name: 'replies, one of which refuses more',
      request: fixture('up'),
      events: [
        message('1234567890:13800138000:2026-11-21 17:29:58', phone('+8613800138000'), '包裹到哪了？'),
        message('1234567891:8613900139000:2026-11-21 17:29:58', phone('+8613900139000'), 'TD'),
        {
          ...{
            kind: 'opted-out',
            dedupeKey: 'consent:1234567891:8613900139000:2026-11-21 17:29:58',
            thread: '+8613900139000',
          },
          ...{
            sender: { handles: [phone('+8613900139000') as never] },
            reason: 'the customer wrote TD',
            occurredAt: sentAt,
          },
        },
      ],
      reply: taken,
    },
    {
      name: 'a service number, which is nobody',
      request: fixture('named'),
      events: [
        message(
          '1234567892:10086:2026-11-21 17:29:58',
          { scheme: 'sms-sender', scope: 'sms', value: '10086', proof: 'claimed' },
          '话费余额12元',
        ),
      ],
    },
    {
      name: 'reports, of which only ours count',
      request: fixture('reports'),
      events: [
        receipt('unt_1:delivered', reportedAt),
        receipt('unt_2:failed', reportedAt, {
          ...{ code: 'opted-out', providerCode: 'MBBLACK', message: 'Alibaba Cloud: the recipient is on a block list' },
        }),
        receipt('unt_3:failed', reportedAt, {
          ...{
            code: 'unavailable',
            providerCode: 'UNDELIV',
            message: 'Alibaba Cloud: the handset could not be reached',
          },
        }),
      ],
      reply: taken,
    },
    {
      name: 'reports from abroad',
      request: fixture('abroad'),
      events: [
        receipt('1234500001:1', abroadAt),
        receipt('1234500002:2', abroadAt, {
          ...{
            code: 'recipient-gone',
            providerCode: 'MOBILE_NUMBER_ILLEGAL',
            message: 'Alibaba Cloud: the number is not in use',
          },
        }),
        receipt('1234500003:6', abroadAt, {
          ...{
            code: 'unavailable',
            providerCode: 'EXPIRED',
            message: 'Alibaba Cloud: the handset could not be reached',
          },
        }),
      ],
    },
    { name: 'news of a template', request: fixture('template-review'), events: [], reply: taken },
  ],
  twins: [1, 2].map((sequence_id) =>
    rawRequest({
      json: [{ phone_number: '13800138000', content: '好', send_time: '2026-11-21 17:29:58', sequence_id }],
    }),
  ) as [ReturnType<typeof rawRequest>, ReturnType<typeof rawRequest>],
  polls: [
    {
      name: 'reports and replies from the queues, in base64 and plain',
      cursor: null,
      provider: queues({
        report: {
          body: xml([
            ['r-1', base64(report)],
            ['r-2', 'no JSON at all'],
          ]),
        },
        up: {
          body: xml([
            [
              'u-1',
              JSON.stringify({
                phone_number: '13800138000',
                content: '好',
                sequence_id: 5,
                send_time: '2026-11-21 17:29:58',
              }).replaceAll('"', '&quot;'),
            ],
          ]),
        },
      }),
      events: [
        receipt('unt_9:delivered', reportedAt),
        message('5:13800138000:2026-11-21 17:29:58', phone('+8613800138000'), '好'),
      ],
      next: '{"report":["r-1"],"up":["u-1"]}',
    },
    {
      name: 'nothing, after what was read before is deleted',
      cursor: '{"report":["r-1","r-2"],"up":[]}',
      provider: queues({}),
      events: [],
      next: '{"report":[],"up":[]}',
    },
  ],
  outbound: [
    {
      name: 'an answer in plain text',
      message: { parts: [{ type: 'text', text: "您好 it's (5)*~" }] },
      requests: [
        {
          method: 'POST',
          path: '/',
          headers: { 'x-acs-action': 'SendSms', 'x-acs-version': '2017-05-25' },
          query: {
            ...{ PhoneNumbers: '13800138000', SignName: '云商城', TemplateCode: 'SMS_7' },
            ...{ TemplateParam: `{"content":"您好 it's (5)*~"}`, OutId: 'unt_conformance0' },
          },
        },
      ],
      externalIds: [['900619746936498440^0']],
    },
    {
      name: 'a template',
      message: { parts: [{ type: 'template', name: 'code', values: { code: '4711' } }] },
      requests: [{ query: { TemplateCode: 'SMS_1', TemplateParam: '{"code":"4711"}' } }],
    },
  ],
  provider: ({ headers }) =>
    headers['x-acs-action'] === 'QuerySmsSignList'
      ? {
          body: {
            Code: 'OK',
            TotalCount: 2,
            SmsSignList: ['云商城', '别的商城'].map((SignName) => ({ SignName, AuditStatus: 'AUDIT_STATE_PASS' })),
          },
        }
      : { body: { Code: 'OK', Message: 'OK', BizId: '900619746936498440^0', RequestId: 'r' } },
  refusals: [
    {
      name: 'a number that is none',
      answer: { body: { Code: 'isv.MOBILE_NUMBER_ILLEGAL', Message: '号码' } },
      code: 'recipient-gone',
    },
    {
      name: 'a signature',
      answer: { body: { Code: 'isv.SMS_SIGNATURE_ILLEGAL', Message: '签名' } },
      code: 'config-invalid',
    },
    { name: 'a limit', answer: { body: { Code: 'isv.DAY_LIMIT_CONTROL', Message: '超限' } }, code: 'throttled' },
  ],
};
conformance(subject);

async function sending({
  answer,
  changes = {},
  to = '+8613800138000',
  parts = [{ type: 'text', text: 'hi' }] as unknown[],
}: {
  answer: FakeAnswer;
  changes?: object;
  to?: string;
  parts?: unknown[];
}) {
  const provider = await fakeProvider(() => answer);
  const http = guardedHttp({ allow: ['127.0.0.1'] });
  const config = smsAliyun.config.parse({ ...settings, apiBase: provider.url, ...changes });
  const ctx = {
    accountId: 'sms',
    config,
    http,
    now: () => now,
    signal: new AbortController().signal,
  } as never as AdapterContext<SmsAliyunConfig>;
  const thread = { id: 'thr_1', externalId: to, handles: [{ scheme: 'phone', value: to }] };
  try {
    const unit = { id: 'unt_1', parts, text: 'hi', thread } as never as OutboundUnit;
    const outcome = await smsAliyun.send!(unit, ctx).catch((error: ProviderFailure) => ({
      code: error.code,
      scope: error.scope,
      retryAfterMs: error.retryAfterMs,
    }));
    return { outcome, requests: provider.requests };
  } finally {
    await Promise.all([http.close(), provider.close()]);
  }
}

describe('sending by Alibaba Cloud', () => {
  const code = (Code: string, Message = '') => ({ body: { Code, Message } });

  it.each([
    ['触发分钟级流控Permits:1', 60_000],
    ['触发小时级流控Permits:5', 3_600_000],
    ['触发天级流控Permits:10', 6.5 * 3_600_000],
  ])('waits for one number alone: %s', async (words, retryAfterMs) => {
    const { outcome } = await sending({ answer: code('isv.BUSINESS_LIMIT_CONTROL', words) });
    expect(outcome).toEqual({ code: 'throttled', scope: 'item', retryAfterMs });
  });

  it.each([
    [400, 'SignatureDoesNotMatch', 'unauthorized'],
    [404, 'InvalidAccessKeyId.NotFound', 'unauthorized'],
    [400, 'Throttling.User', 'throttled'],
    [503, 'ServiceUnavailable', 'unavailable'],
    [500, 'InternalError', 'outcome-unknown'],
    [502, 'isv.SOMETHING_NEW', 'outcome-unknown'],
    [200, 'isp.SYSTEM_ERROR', 'unavailable'],
    [200, 'isv.AMOUNT_NOT_ENOUGH', 'config-invalid'],
    [200, 'isv.BLACK_KEY_CONTROL_LIMIT', 'content-refused'],
    [200, 'isv.SOMETHING_NEW', 'content-refused'],
    [200, 'constructor', 'content-refused'],
  ])('%d with %s is %s', async (status, given, expected) => {
    const { outcome } = await sending({ answer: { status, ...code(given) } });
    expect(outcome).toMatchObject({ code: expected });
  });

  it('writes plain text abroad, where that is set up', async () => {
    const answer = { body: { ResponseCode: 'OK', MessageId: '12345' } };
    const { outcome, requests } = await sending({
      answer,
      to: '+85291234567',
      changes: { international: { senderId: 'Shop' } },
    });
    expect(outcome).toEqual({ externalIds: ['12345'] });
    expect(requests[0]?.headers).toMatchObject({ 'x-acs-action': 'SendMessageToGlobe', 'x-acs-version': '2018-05-01' });
    expect(Object.fromEntries(requests[0]!.query)).toEqual({
      To: '85291234567',
      From: 'Shop',
      Message: 'hi',
      Type: 'NOTIFY',
    });
  });

  it('sends templates abroad with the country code', async () => {
    const parts = [{ type: 'template', name: 'SMS_5', values: {} }];
    const { requests } = await sending({
      answer: { body: { Code: 'OK', BizId: '1' } },
      to: '+85291234567',
      parts,
      changes: { extendCode: '77' },
    });
    expect(Object.fromEntries(requests[0]!.query)).toEqual({
      ...{
        PhoneNumbers: '85291234567',
        SignName: '云商城',
        TemplateCode: 'SMS_5',
        OutId: 'unt_1',
        SmsUpExtendCode: '77',
      },
    });
  });

  it('sends no plain text in mainland China without a template for it', async () => {
    const { outcome, requests } = await sending({
      answer: {},
      changes: { replyTemplate: undefined, international: {} },
    });
    expect([outcome, requests]).toEqual([expect.objectContaining({ code: 'content-refused' }), []]);
  });
});

describe('what is known before anything is sent by Alibaba Cloud', () => {
  const [home, abroad] = ['+8613800138000', '+14155550101'];
  const config = (changes: object) => smsAliyun.config.parse({ ...settings, ...changes });
  const text = { type: 'text' as const, text: 'hi' };
  const admitted = (part: object, to: string, changes: object = {}) => {
    try {
      smsAliyun.admit!({ index: 0, count: 1, parts: [part as never], text: 'hi' }, to, config(changes));
      return undefined;
    } catch (error) {
      return (error as ProviderFailure).code;
    }
  };

  it('is whether it can go there at all', () => {
    expect([admitted(text, home), admitted(text, abroad)]).toEqual([undefined, 'content-refused']);
    expect(admitted(text, abroad, { international: {}, replyTemplate: undefined })).toBeUndefined();
    expect(admitted(text, home, { international: {}, replyTemplate: undefined })).toBe('content-refused');
    expect(admitted({ type: 'template', name: 'code', values: { code: '【1】' } }, home)).toBe('content-refused');
    expect(admitted(text, '10086')).toBe('recipient-gone');
  });

  it('is how long it is there', () => {
    const given = config({ international: {}, replyTemplate: { code: 'SMS_7', max: 35 } });
    const units = (to: string, words: string) =>
      fit({ parts: [{ type: 'text', text: words }] }, smsAliyun.capabilitiesOf!(given, to)).map(
        ({ segments }) => segments?.segments,
      );
    expect([units(abroad, 'a'.repeat(161)), units(home, 'a'.repeat(70))]).toEqual([[2], [1, 1]]);
    expect(units(abroad, '中'.repeat(402))).toEqual([6]);
  });

  it('is that a signature of one template that does not work stops no other message', async () => {
    const templates = { sale: { code: 'SMS_2', signName: '别的商城' } };
    const scopeOf = async (name: string) =>
      (
        await sending({
          ...{ answer: { body: { Code: 'isv.SMS_SIGNATURE_ILLEGAL' } }, changes: { templates } },
          parts: [{ type: 'template', name, values: {} }],
        })
      ).outcome;
    expect(await scopeOf('sale')).toMatchObject({ code: 'config-invalid', scope: 'item' });
    expect(await scopeOf('SMS_5')).toMatchObject({ code: 'config-invalid', scope: undefined });
  });
});

describe('callbacks of Alibaba Cloud', () => {
  const ctx = (allowedAddresses: string[]) => ({
    ...{ accountId: 'sms', config: smsAliyun.config.parse({ ...settings, allowedAddresses }), publicUrl: '', now },
  });
  const from = (remoteAddress: string, allowed: string[]) =>
    receive(smsAliyun.ingress.webhook!, { ...fixture('up'), remoteAddress }, ctx(allowed)).kind;

  it('come from listed addresses only, where a list is set', () => {
    expect(from('203.0.113.7', ['203.0.113.0/24'])).toBe('parsed');
    expect(from('203.0.114.7', ['203.0.113.0/24'])).toBe('reject');
    expect(from('203.0.114.7', [])).toBe('parsed');
  });

  it('are kept, also where they are not quite as documented', () => {
    const body = [
      { content: 1, phone_number: 13800138000, sequence_id: 1 },
      { content: '你好', sequence_id: 2 },
    ];
    expect(receive(smsAliyun.ingress.webhook!, rawRequest({ json: body }), ctx([]))).toMatchObject({
      parsed: {
        events: [
          { thread: '+8613800138000', parts: [{ text: '1' }] },
          {
            thread: 'unknown',
            sender: { handles: [{ scheme: 'sms-sender', proof: 'claimed' }] },
            parts: [{ text: '你好' }],
          },
        ],
      },
    });
  });

  it('are told apart by time where numbers were rounded', () => {
    const up = { phone_number: '13800138000', content: '好', sequence_id: 9007199254740993 };
    const body = [1, 2].map((second) => ({ ...up, send_time: `2026-11-21 17:29:0${second}` }));
    const received = receive(smsAliyun.ingress.webhook!, rawRequest({ json: body }), ctx([]));
    const keys =
      received.kind === 'parsed' ? received.parsed.events.map((event) => 'dedupeKey' in event && event.dedupeKey) : [];
    expect(new Set(keys).size).toBe(2);
  });
});

describe('the queues of Alibaba Cloud', () => {
  it('are asked only where one is named', () => {
    const wanted = (queues: object) => smsAliyun.ingress.poll!.wanted!(smsAliyun.config.parse({ ...settings, queues }));
    expect([wanted({}), wanted({ up: 'a' }), wanted({ report: 'a' })]).toEqual([false, true, true]);
  });

  it('are signed with the token, and emptied by handle', () => {
    const [first] = asked.filter(({ method }) => method === 'DELETE');
    expect(first?.body.toString()).toContain('<ReceiptHandle>r-1</ReceiptHandle><ReceiptHandle>r-2</ReceiptHandle>');
    expect(first?.headers).toMatchObject({
      'security-token': 'sts token',
      'content-type': 'text/xml',
      authorization: expect.stringMatching(/^MNS STS\.1:/),
    });
    expect(asked.some(({ path }) => path === '/queues/Alicom-Queue-1-SmsReport/messages')).toBe(true);
  });
});

describe('a report of Alibaba Cloud', () => {
  it.each([
    ['MOBILE_IN_BLACK', 'opted-out'],
    ['USER_REJECT', 'opted-out'],
    ['SIGN_IN_BLACKLIST', 'content-refused'],
    ['BLACK_KEY_CONTROL_LIMIT', 'content-refused'],
    ['CONTENT_KEYWORD', 'content-refused'],
    ['MOBILE_SEND_LIMIT', 'throttled'],
    ['MOBILE_NOT_ON_SERVICE', 'unavailable'],
    ['MOBLLE_TERMINAL_ERROR', 'unavailable'],
    ['INVALID_NUMBER', 'unavailable'],
    ['SP_NOT_BY_INTER_SMS', 'recipient-gone'],
    ['SOMETHING_NEW', 'content-refused'],
  ])('%s is %s', (code, meant) => expect(reportFailure(code).code).toBe(meant));
});
