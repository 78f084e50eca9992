import { describe, expect, it } from '@jest/globals';
import type { InboundEventInput, OutboundUnit, ProviderFailure } from '#normalizer';
import { guardedHttp, receive } from '#transport';
import type { AdapterContext } from '../core/adapter.js';
import {
  conformance,
  fakeProvider,
  loadFixture,
  rawRequest,
  type ChannelSubject,
  type FakeAnswer,
  type LoggedRequest,
} from '../testing/index.js';
import { reportFailure } from './sms-tencent.failures.js';
import { smsTencent } from './sms-tencent.adapter.js';
import type { SmsTencentConfig } from './sms-tencent.config.js';

const now = Date.parse('2026-11-21T09:30:00Z');
const fixture = (name: string) => loadFixture(new URL(`./fixtures/${name}.json`, import.meta.url));
const settings = {
  ...{
    secretId: 'AKIDfirst',
    secretKey: 'first secret key',
    smsSdkAppId: '1400006666',
    signName: '云商城',
    pull: true,
  },
  ...{
    replyTemplate: { code: '7', max: 500 },
    templates: { code: { code: '1110', text: '验证码{1}，{2}分钟内有效' } },
  },
  pathSecret: 'first-secret-of-the-path',
};

const taken = { status: 200, body: '{"result":0,"errmsg":"OK"}' };
const customer = { scheme: 'phone', value: '+8613800138000', proof: 'channel' };
const at = '2026-11-21T09:29:58.000Z';
/** The keys of the fixtures: number, second, and a hash of the whole, computed apart. */
const key = (number: string, digest: string) => `${number}:1795253398:${digest}`;
const message = (id: string, words: string, from: object = customer): InboundEventInput =>
  ({
    ...{
      kind: 'message',
      dedupeKey: `message:${id}`,
      externalIds: [id],
      occurredAt: at,
      parts: [{ type: 'text', text: words }],
    },
    ...{ thread: (from as { value: string }).value, sender: { handles: [from] } },
  }) as InboundEventInput;
const receipt = (externalId: string, occurredAt: string, failure?: object): InboundEventInput =>
  ({
    ...{ kind: 'receipt', dedupeKey: `receipt:${externalId}:${failure ? 'FAIL' : 'SUCCESS'}`, externalId, occurredAt },
    ...(failure ? { status: 'failed', failure } : { status: 'delivered' }),
  }) as InboundEventInput;
const reportedAt = '2026-11-21T17:20:03+08:00';

const response = (Response: object): FakeAnswer => ({ body: { Response: { ...Response, RequestId: 'r' } } });
const sent = response({
  SendStatusSet: [{ SerialNo: '2645:9', PhoneNumber: '+8613800138000', Fee: 1, Code: 'Ok', Message: 'send success' }],
});
const refusedBy = (Code: string): FakeAnswer =>
  response({ SendStatusSet: [{ SerialNo: '', Fee: 0, Code, Message: 'words' }] });
const provider = ({ headers }: LoggedRequest): FakeAnswer =>
  headers['x-tc-action'] === 'SendStatusStatistics' ? response({ SendStatusStatistics: { FeeCount: 0 } }) : sent;

const REPLY = key('+8613800138000', '5eecea257b26b55789e5a70cac2354bc');
const REFUSAL = key('+8613800138000', 'ea3f9681f3e71d54a5de69545911e683');
const SERVICE = key('10086', 'e0f6975b5bd4bba1b2835ef56abb648b');

const subject: ChannelSubject<SmsTencentConfig> = {
  adapter: smsTencent,
  now,
  accounts: [
    { id: 'sms', config: (apiBase) => ({ ...settings, apiBase }) },
    {
      id: 'other',
      config: (apiBase) => ({
        ...{ secretId: 'AKIDother', secretKey: 'other secret key', smsSdkAppId: '1400007777', signName: '别的商城' },
        ...{ pathSecret: 'other-secret-of-the-path', replyTemplate: { code: '8' }, apiBase },
      }),
    },
  ],
  inbound: [
    { name: 'a reply', request: fixture('reply'), events: [message(REPLY, '包裹到哪了？')], reply: taken },
    {
      name: 'a reply that refuses more',
      request: fixture('refusal'),
      events: [
        message(REFUSAL, '退订'),
        {
          ...{ kind: 'opted-out', dedupeKey: `consent:${REFUSAL}`, thread: '+8613800138000', occurredAt: at },
          ...{ sender: { handles: [customer as never] }, reason: 'the customer wrote 退订' },
        },
      ],
    },
    {
      name: 'a service number, which is nobody',
      request: fixture('service-number'),
      events: [message(SERVICE, '余额12元', { scheme: 'sms-sender', scope: 'sms', value: '10086', proof: 'claimed' })],
    },
    {
      name: 'reports, by the provider’s id or by ours',
      request: fixture('reports'),
      events: [
        receipt('2645:1', reportedAt),
        receipt('unt_2', reportedAt),
        receipt('unt_3', reportedAt, {
          code: 'opted-out',
          providerCode: 'MBBLACK',
          message: 'Tencent Cloud: the recipient is on a block list',
        }),
        receipt('unt_4', reportedAt, {
          code: 'unavailable',
          providerCode: '002',
          message: 'Tencent Cloud: the handset could not be reached',
        }),
      ],
      reply: taken,
    },
  ],
  twins: [1795253398, 1795253399].map((time) =>
    rawRequest({ json: { extend: '', mobile: '13800138000', nationcode: '86', sign: '云商城', text: '好', time } }),
  ) as [ReturnType<typeof rawRequest>, ReturnType<typeof rawRequest>],
  polls: [
    {
      name: 'reports first',
      cursor: null,
      provider: () =>
        response({
          PullSmsSendStatusSet: [
            {
              UserReceiveTime: 1795253398,
              SerialNo: '2645:1',
              ReportStatus: 'SUCCESS',
              Description: 'DELIVRD',
              SessionContext: 'unt_1',
            },
            {
              UserReceiveTime: 1795253398,
              SerialNo: '2645:2',
              ReportStatus: 'FAIL',
              Description: 'REJECTD',
              SessionContext: '',
            },
          ],
        }),
      events: [
        receipt('unt_1', at),
        receipt('2645:2', at, {
          code: 'content-refused',
          providerCode: 'REJECTD',
          message: 'Tencent Cloud: an operator refused it',
        }),
      ],
      next: 'replies 1',
    },
    {
      name: 'then replies, which have the same keys as pushed',
      cursor: 'replies 1',
      provider: () =>
        response({
          PullSmsReplyStatusSet: [
            {
              ReplyContent: '包裹到哪了？',
              ReplyUnixTime: 1795253398,
              ExtendCode: '11',
              Sign: '云商城',
              PhoneNumber: '+8613800138000',
              NationCode: '86',
            },
          ],
        }),
      events: [message(REPLY, '包裹到哪了？')],
      next: 'reports 2',
    },
  ],
  outbound: [
    {
      name: 'an answer in plain text',
      message: { parts: [{ type: 'text', text: '您好' }] },
      requests: [
        {
          method: 'POST',
          path: '/',
          headers: {
            ...{ 'x-tc-action': 'SendSms', 'x-tc-version': '2021-01-11', 'x-tc-region': 'ap-guangzhou' },
            ...{ 'x-tc-timestamp': String(now / 1_000), 'content-type': 'application/json; charset=utf-8' },
          },
          json: {
            ...{ PhoneNumberSet: ['+8613800138000'], SmsSdkAppId: '1400006666', TemplateId: '7', SignName: '云商城' },
            ...{ TemplateParamSet: ['您好'], SessionContext: 'unt_conformance0' },
          },
        },
      ],
      externalIds: [['2645:9']],
    },
    {
      name: 'a template, its values in order',
      message: { parts: [{ type: 'template', name: 'code', values: { '2': '5', '1': '4711' } }] },
      requests: [
        {
          json: {
            ...{
              PhoneNumberSet: ['+8613800138000'],
              SmsSdkAppId: '1400006666',
              TemplateId: '1110',
              SignName: '云商城',
            },
            ...{ TemplateParamSet: ['4711', '5'], SessionContext: 'unt_conformance0' },
          },
        },
      ],
    },
  ],
  provider,
  refusals: [
    {
      name: 'an error',
      answer: response({ Error: { Code: 'AuthFailure.SecretIdNotFound', Message: 'x' } }),
      code: 'unauthorized',
    },
    { name: 'a block list', answer: refusedBy('FailedOperation.PhoneNumberInBlacklist'), code: 'opted-out' },
    { name: 'a limit', answer: refusedBy('LimitExceeded.PhoneNumberDailyLimit'), code: 'throttled' },
  ],
};
conformance(subject);

interface Attempt {
  readonly answer: FakeAnswer;
  readonly changes?: object;
  readonly to?: string;
  readonly parts?: unknown[];
  readonly at?: number;
}

async function sending({
  answer,
  changes = {},
  to = '+8613800138000',
  parts = [{ type: 'text', text: 'hi' }],
  at: time = now,
}: Attempt) {
  const server = await fakeProvider(() => answer);
  const http = guardedHttp({ allow: ['127.0.0.1'] });
  const config = smsTencent.config.parse({ ...settings, apiBase: server.url, ...changes });
  const ctx = {
    accountId: 'sms',
    config,
    http,
    now: () => time,
    signal: new AbortController().signal,
  } as never as AdapterContext<SmsTencentConfig>;
  const thread = { id: 'thr_1', externalId: to, handles: [{ scheme: 'phone', value: to }] };
  try {
    const unit = { id: 'unt_1', parts, text: 'hi', thread } as never as OutboundUnit;
    const outcome = await smsTencent.send!(unit, ctx).catch((error: ProviderFailure) => ({
      ...{ code: error.code, scope: error.scope, retryAfterMs: error.retryAfterMs },
    }));
    return { outcome, sent: server.requests.map(({ body }) => JSON.parse(body.toString()) as Record<string, unknown>) };
  } finally {
    await Promise.all([http.close(), server.close()]);
  }
}

describe('sending by Tencent Cloud', () => {
  it.each([
    ['LimitExceeded.PhoneNumberThirtySecondLimit', 30_000],
    ['LimitExceeded.PhoneNumberOneHourLimit', 3_600_000],
    ['LimitExceeded.PhoneNumberSameContentDailyLimit', 6.5 * 3_600_000],
  ])('waits for one number alone: %s', async (code, retryAfterMs) => {
    expect((await sending({ answer: refusedBy(code) })).outcome).toEqual({
      code: 'throttled',
      scope: 'item',
      retryAfterMs,
    });
  });

  it('waits for the morning where an advertisement came at night', async () => {
    const night = Date.parse('2026-11-21T23:00:00+08:00');
    const { outcome } = await sending({ answer: refusedBy('FailedOperation.MarketingSendTimeConstraint'), at: night });
    expect(outcome).toEqual({ code: 'throttled', scope: 'item', retryAfterMs: 9 * 3_600_000 });
  });

  it.each([
    ['LimitExceeded.AppMainlandChinaDailyLimit', 'throttled'],
    ['RequestLimitExceeded', 'throttled'],
    ['FailedOperation.InsufficientBalanceInSmsPackage', 'config-invalid'],
    ['FailedOperation.TemplateIncorrectOrUnapproved', 'content-refused'],
    ['InvalidParameterValue.IncorrectPhoneNumber', 'recipient-gone'],
    ['InternalError.Timeout', 'outcome-unknown'],
    ['InternalError.SendAndRecvFail', 'outcome-unknown'],
    ['InternalError.RequestTimeException', 'unavailable'],
    ['UnauthorizedOperation.SerivceSuspendDueToArrears', 'config-invalid'],
    ['UnauthorizedOperation.RequestPermissionDeny', 'unauthorized'],
    ['Something.New', 'content-refused'],
    ['constructor', 'content-refused'],
  ])('%s is %s, wherever it stands', async (code, expected) => {
    const error = response({ Error: { Code: code, Message: 'words' } });
    for (const answer of [refusedBy(code), error])
      expect((await sending({ answer })).outcome).toMatchObject({ code: expected });
  });

  it('sends abroad by templates for that', async () => {
    const changes = { international: { senderId: 'Shop', replyTemplate: { code: '900' } }, extendCode: '77' };
    const {
      sent: [body],
    } = await sending({ answer: sent, to: '+85291234567', changes });
    expect(body).toMatchObject({
      PhoneNumberSet: ['+85291234567'],
      TemplateId: '900',
      TemplateParamSet: ['hi'],
      SenderId: 'Shop',
      ExtendCode: '77',
    });
    // A signature that is approved at home is none abroad.
    expect(body).not.toHaveProperty('SignName');
    const home = await sending({ answer: sent, changes });
    expect(home.sent[0]).not.toHaveProperty('SenderId');
    expect(home.sent[0]).toMatchObject({ SignName: '云商城' });
    const plain = await sending({ answer: sent, to: '+85291234567' });
    expect(plain).toMatchObject({ outcome: { code: 'content-refused' }, sent: [] });
  });

  it('takes values by number, without a gap', async () => {
    const parts = [{ type: 'template', name: '5', values: { '1': 'a', '3': 'c' } }];
    expect(await sending({ answer: sent, parts })).toEqual({
      outcome: expect.objectContaining({ code: 'content-refused' }),
      sent: [],
    });
  });
});

describe('pulling from Tencent Cloud', () => {
  const said = (text: string) => ({ ReplyContent: text, ReplyUnixTime: 1795253398, PhoneNumber: '+8613800138000' });

  /** A provider that gives each thing out once, and processes that share what is kept; `lives` ends when one dies. */
  async function withPuller(
    use: (pull: (cursor: string | null) => ReturnType<typeof poll>, give: (list: object[]) => void) => Promise<void>,
  ) {
    const waiting: object[] = [];
    const server = await fakeProvider(({ headers }) =>
      headers['x-tc-action'] === 'PullSmsReplyStatus'
        ? response({ PullSmsReplyStatusSet: waiting.splice(0) })
        : response({ PullSmsSendStatusSet: [] }),
    );
    const http = guardedHttp({ allow: ['127.0.0.1'] });
    const kept = new Map<string, string>();
    const contextOf = (known: Set<string>) => ({
      ...{ accountId: 'sms', http, now: () => now, signal: new AbortController().signal },
      config: smsTencent.config.parse({ ...settings, apiBase: server.url }),
      once: async (key: string, _: number, make: () => Promise<string>) => {
        const value = kept.get(key) ?? (await make());
        kept.set(key, value);
        known.add(key);
        return value;
      },
      forget: async (key: string) => void (known.delete(key) && kept.delete(key)),
      recall: async (key: string) => kept.get(key),
      remember: async (key: string, value: string, ttlMs: number) =>
        void (ttlMs > 1 ? kept.set(key, value) : kept.delete(key)),
    });
    try {
      // Each time it is another process that pulls.
      await use(
        (cursor) => poll(cursor, contextOf(new Set()) as never as AdapterContext<SmsTencentConfig>),
        (list) => waiting.push(...list),
      );
      expect([...kept.keys()].length).toBeLessThanOrEqual(1);
    } finally {
      await Promise.all([http.close(), server.close()]);
    }
  }
  const poll = smsTencent.ingress.poll!.poll.bind(smsTencent.ingress.poll);
  const textsOf = ({ events }: { events: InboundEventInput[] }) =>
    events.map((event) => ('parts' in event && (event.parts?.[0] as { text?: string })?.text) || event.kind);

  it('loses nothing that was read and not stored', () =>
    withPuller(async (pull, give) => {
      const { cursor } = await pull(null);
      give([said('one')]);
      expect(textsOf(await pull(cursor))).toEqual(['one']);
      // The process died, or could not store it: the cursor stands where it stood.
      give([said('two')]);
      const again = await pull(cursor);
      expect(textsOf(again)).toEqual(['one']);
      const reports = await pull(again.cursor);
      expect([textsOf(reports), reports.more]).toEqual([[], true]);
      const next = await pull(reports.cursor);
      expect(textsOf(next)).toEqual(['two']);
      expect(textsOf(await pull((await pull(next.cursor)).cursor))).toEqual([]);
    }));

  it('goes on at once while pages are full', () =>
    withPuller(async (pull, give) => {
      const { cursor, more } = await pull('replies 7');
      expect([cursor, more]).toEqual(['reports 7', undefined]);
      give(Array.from({ length: 100 }, (_, i) => said(`${i}`)));
      const full = await pull('replies 7');
      expect([full.cursor, full.more, full.events.length]).toEqual(['reports 8 more', true, 100]);
    }));
});

describe('what is known before anything is sent by Tencent Cloud', () => {
  const config = (changes: object) => smsTencent.config.parse({ ...settings, ...changes });
  const [home, abroad] = ['+8613800138000', '+14155550101'];
  const template = (values: Record<string, string>) => ({ type: 'template' as const, name: '5', values });
  const text = { type: 'text' as const, text: 'hi' };
  const admitted = (part: object, to: string, changes: object = {}) => {
    try {
      smsTencent.admit!({ index: 0, count: 1, parts: [part as never], text: 'hi' }, to, config(changes));
      return undefined;
    } catch (error) {
      return (error as ProviderFailure).code;
    }
  };

  it('is whether it can go there at all', () => {
    expect([admitted(text, home), admitted(text, abroad)]).toEqual([undefined, 'content-refused']);
    expect(admitted(text, home, { replyTemplate: undefined })).toBe('content-refused');
    expect(admitted(template({ '1': 'a' }), abroad, { replyTemplate: undefined })).toBeUndefined();
    expect(admitted(template({ '1': 'a', '3': 'c' }), home)).toBe('content-refused');
    expect(admitted(template({ '1': '【a】' }), home)).toBe('content-refused');
    expect(admitted(text, '10086')).toBe('recipient-gone');
  });

  it('is how long it is there', () => {
    const international = { replyTemplate: { code: '900', text: 'Shop: {1}', max: 200 } };
    const given = config({ international });
    const can = (to: string) => smsTencent.capabilitiesOf!(given, to).text;
    expect(can(abroad)).toMatchObject({ max: 200, segments: { alphabet: 'gsm7', added: 6 } });
    expect(can(home)).toMatchObject({ max: 500, segments: { alphabet: 'ucs2', added: 5 } });
  });
});

describe('callbacks of Tencent Cloud', () => {
  it('come from listed addresses only, where a list is set', () => {
    const ctx = {
      accountId: 'sms',
      config: smsTencent.config.parse({ ...settings, allowedAddresses: ['203.0.113.0/24'] }),
      publicUrl: '',
      now,
    };
    const from = (remoteAddress: string) =>
      receive(smsTencent.ingress.webhook!, { ...fixture('reply'), remoteAddress }, ctx).kind;
    expect([from('203.0.113.7'), from('198.51.100.7')]).toEqual(['parsed', 'reject']);
  });

  it('are kept, also where they are not quite as documented', () => {
    const ctx = { accountId: 'sms', config: smsTencent.config.parse(settings), publicUrl: '', now };
    const eventsOf = (json: object) => receive(smsTencent.ingress.webhook!, rawRequest({ json }), ctx);
    const reply = { nationcode: 86, mobile: 13800138000, text: 1, time: 1795253398 };
    expect(eventsOf(reply)).toMatchObject({
      parsed: { events: [{ thread: '+8613800138000', parts: [{ text: '1' }] }] },
    });
    expect(eventsOf({ text: '你好', time: 1795253398 })).toMatchObject({ parsed: { events: [{ thread: 'unknown' }] } });
  });

  it('are asked for only where that is set', () => {
    const wanted = (pull: boolean) => smsTencent.ingress.poll!.wanted!(smsTencent.config.parse({ ...settings, pull }));
    expect([wanted(true), wanted(false)]).toEqual([true, false]);
  });
});

describe('a report of Tencent Cloud', () => {
  it.each([
    ['-111', '号码在黑名单中', 'opted-out'],
    ['-111', '用户已退订', 'opted-out'],
    ['-111', '签名在黑名单中', 'content-refused'],
  ])('%s %s is %s', (code, words, meant) => expect(reportFailure(code, words).code).toBe(meant));
});
