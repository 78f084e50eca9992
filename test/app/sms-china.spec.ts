import { createHash, createHmac } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { fakeProvider, type FakeAnswer, type FakeProvider, type LoggedRequest } from '#transport/testing';
import { setStage, stopEverything, until, type Stage } from '../support/index.js';

jest.setTimeout(120_000);

const [SECRET, OTHER] = ['the-secret-of-the-path', 'another-secret-of-a-path'];
const sha256 = (text: string | Buffer) => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();

/** ACS3-HMAC-SHA256, as the documentation has it: everything is in the query. */
function isSignedByAlibaba({ headers, query, body }: LoggedRequest, secret: string): boolean {
  const [, signed = '', signature] =
    /SignedHeaders=([^,]+),Signature=(\w+)$/.exec(headers['authorization'] ?? '') ?? [];
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  const pairs = [...query].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort();
  const lines = signed.split(';').map((name) => `${name}:${headers[name]}\n`);
  const canonical = ['POST', '/', pairs.join('&'), lines.join(''), signed, sha256(body)].join('\n');
  return signature === hmac(secret, `ACS3-HMAC-SHA256\n${sha256(canonical)}`).toString('hex');
}

/** TC3-HMAC-SHA256, as the documentation has it. */
function isSignedByTencent({ headers, body }: LoggedRequest, secret: string): boolean {
  const [, scope = '', signed = '', signature] =
    /Credential=[^/]+\/(\S+), SignedHeaders=(\S+), Signature=(\w+)$/.exec(headers['authorization'] ?? '') ?? [];
  const lines = signed.split(';').map((name) => `${name}:${headers[name]?.toLowerCase()}\n`);
  const canonical = ['POST', '/', '', lines.join(''), signed, sha256(body)].join('\n');
  const toSign = `TC3-HMAC-SHA256\n${headers['x-tc-timestamp']}\n${scope}\n${sha256(canonical)}`;
  const key = scope.split('/').reduce<string | Buffer>((last, part) => hmac(last, part), `TC3${secret}`);
  return signature === hmac(key, toSign).toString('hex');
}

let stage: Stage;
let alibaba: FakeProvider;
let tencent: FakeProvider;
let forged = 0;
let sequence = 0;
let people = 0;
/** How Alibaba Cloud answers an order, where that is not as always. */
let ordered: (order: Record<string, string>) => FakeAnswer | undefined | Promise<FakeAnswer | undefined>;
/** What Tencent Cloud gives out when it is asked for replies, once. */
const replies: object[] = [];

const somebody = () => `+86138${String(10_000_000 + (people += 1))}`;
const orders = () =>
  alibaba.requests.map(({ headers, query }) => ({ action: headers['x-acs-action'], ...Object.fromEntries(query) }));
const ordersTo = (phone: string) =>
  orders().filter((order) => JSON.stringify(order).includes(`"${phone.replace(/^\+(?:86)?/, '')}"`));

beforeAll(async () => {
  alibaba = await fakeProvider(async (request): Promise<FakeAnswer> => {
    if (!isSignedByAlibaba(request, 'the access key secret')) forged += 1;
    const own = await ordered(Object.fromEntries(request.query));
    if (own) return own;
    return request.headers['x-acs-action'] === 'SendMessageToGlobe'
      ? { body: { ResponseCode: 'OK', MessageId: `globe-${alibaba.requests.length}` } }
      : { body: { Code: 'OK', Message: 'OK', BizId: `biz-${alibaba.requests.length}^0`, RequestId: 'r' } };
  });
  tencent = await fakeProvider((request): FakeAnswer => {
    if (!isSignedByTencent(request, 'the secret key')) forged += 1;
    const Response =
      request.headers['x-tc-action'] === 'PullSmsReplyStatus'
        ? { PullSmsReplyStatusSet: replies.splice(0) }
        : request.headers['x-tc-action'] === 'PullSmsSendStatus'
          ? { PullSmsSendStatusSet: [] }
          : { SendStatusSet: [{ SerialNo: `serial-${tencent.requests.length}`, Code: 'Ok' }] };
    return { body: { Response: { ...Response, RequestId: 'r' } } };
  });
  const ali = {
    ...{ accessKeyId: 'LTAI5', accessKeySecret: 'the access key secret', signName: '云商城', apiBase: alibaba.url },
    ...{ international: {}, throughput: { perSecond: 100, perRecipientPerMinute: 600 } },
    templates: { code: { code: 'SMS_1', text: '验证码{code}，五分钟内有效' } },
  };
  const replyTemplate = { code: 'SMS_7', text: '客服回复：{content}', max: 35 };
  const ten = {
    ...{ secretId: 'AKID', secretKey: 'the secret key', smsSdkAppId: '1400006666', signName: '云商城' },
    ...{ apiBase: tencent.url, pathSecret: OTHER, replyTemplate: { code: '7' }, pull: true },
  };
  stage = await setStage({
    accounts: [
      { id: 'ali', type: 'sms-aliyun', name: '短信', config: { ...ali, replyTemplate, pathSecret: SECRET } },
      { id: 'bare', type: 'sms-aliyun', name: '通知', config: { ...ali, pathSecret: OTHER } },
      {
        ...{ id: 'walled', type: 'sms-aliyun' },
        config: { ...ali, pathSecret: SECRET, allowedAddresses: ['203.0.113.0/24'] },
      },
      { id: 'ten', type: 'sms-tencent', name: '短信', config: ten },
    ],
    settings: { identity: { codes: { phone: 'bare', template: { name: 'code', value: 'code' } } } },
  });
});
beforeEach(() => {
  ordered = () => undefined;
});
afterAll(async () => {
  await stage?.close();
  await Promise.all([alibaba?.close(), tencent?.close()]);
  await stopEverything();
});

async function push(path: string, body: unknown): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${stage.gateway.url}/channels/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json;charset=utf-8' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, text: await answer.text() };
}
const TAKEN = { status: 200, text: '{"code":0,"msg":"接收成功"}' };
const up = (from: string, content: string) => ({
  ...{ phone_number: from.replace(/^\+86/, ''), send_time: '2026-11-21 17:29:58', content, dest_code: '1069123' },
  sequence_id: (sequence += 1),
});
const report = (out_id: string, success: boolean, err_code = 'DELIVERED') => ({
  ...{ phone_number: '13800138000', report_time: '2026-11-21 17:30:03', success, err_code, biz_id: 'b', out_id },
});
const received = (from: string) =>
  stage.helpdesk
    .of('message.received')
    .filter(({ data }) => data?.contact?.handles.some(({ value }) => value === from))
    .map(({ data }) => data!);
const told = (messageId: string) =>
  stage.helpdesk.events.filter(({ data }) => data?.message?.id === messageId).map(({ type }) => type);

/** A customer writes over an account of Alibaba Cloud; resolves with the conversation. */
async function conversationOf(from: string, account = 'ali', secret = SECRET): Promise<string> {
  expect(await push(`${account}/${secret}/up`, [up(from, '在吗？')])).toEqual(TAKEN);
  return (await until(`the message of ${from}`, () => received(from)[0])).conversation!.id;
}
interface Refused {
  readonly code: string;
}
const answer = (conversation: string, body: object) =>
  stage.gateway.api.post<Refused>(`/v1/conversations/${conversation}/messages`, body);

describe('SMS by Alibaba Cloud', () => {
  it('is received, answered by template, reported delivered, and told of', async () => {
    const customer = somebody();
    const conversation = await conversationOf(customer);
    expect(received(customer)).toMatchObject([
      {
        account: { id: 'ali', channel: 'sms-aliyun' },
        contact: { handles: [{ scheme: 'phone', value: customer, proof: 'channel' }] },
        message: { text: '在吗？', occurredAt: '2026-11-21T09:29:58.000Z' },
      },
    ]);
    const { id } = await stage.reply(conversation, '在的，请讲');
    await stage.settled(id, 'sent');
    const [order] = ordersTo(customer);
    expect(order).toMatchObject({
      ...{ action: 'SendSms', SignName: '云商城', TemplateCode: 'SMS_7', TemplateParam: '{"content":"在的，请讲"}' },
    });
    for (let i = 0; i < 3; i += 1)
      expect(await push(`ali/${SECRET}/report`, [report(order!['OutId' as never], true)])).toEqual(TAKEN);
    await stage.settled(id, 'delivered');
    await stage.drained();
    expect(told(id)).toEqual(['message.queued', 'message.sent', 'message.delivered']);
    expect(forged).toBe(0);
  });

  it('takes batches, which are repeated until they are answered, and stores each message once', async () => {
    const batch = Array.from({ length: 100 }, () => up(somebody(), '批量'));
    const answers = await Promise.all([1, 2, 3].map(() => push(`ali/${SECRET}/up`, batch)));
    expect(answers).toEqual([TAKEN, TAKEN, TAKEN]);
    await stage.drained();
    const texts = stage.helpdesk.of('message.received').filter(({ data }) => data?.message?.text === '批量');
    expect(texts).toHaveLength(100);
    const [order] = batch;
    expect(await push(`ali/${SECRET}/up`, [...batch, up(`+86${order!.phone_number}`, '还有')])).toEqual(TAKEN);
    await until('the one that is new', () => received(`+86${order!.phone_number}`)[1]);
  });

  it('comes in by its secret path alone, and from listed addresses where there is a list', async () => {
    const customer = somebody();
    const statuses: number[] = [];
    for (const path of ['ali', 'ali/up', `ali/${OTHER}/up`, `ali/${SECRET}x/up`, `bare/${SECRET}/up`])
      statuses.push((await push(path, [up(customer, 'forged')])).status);
    expect(statuses).toEqual([404, 404, 404, 404, 404]);
    expect((await push(`walled/${SECRET}/up`, [up(customer, 'forged')])).status).toBe(401);
    await stage.drained();
    expect(received(customer)).toEqual([]);
  });

  it('counts reports for its own messages alone, early and late and again', async () => {
    const customer = somebody();
    const conversation = await conversationOf(customer);
    // The report overtakes the answer to the order.
    ordered = async ({ OutId }) => {
      expect(await push(`ali/${SECRET}/report`, [report(OutId!, true)])).toEqual(TAKEN);
      return undefined;
    };
    const early = await stage.reply(conversation, '快');
    await stage.settled(early.id, 'delivered');
    ordered = () => undefined;
    const other = await stage.reply(conversation, '慢');
    await stage.settled(other.id, 'sent');
    const { OutId } = ordersTo(customer).at(-1) as unknown as Record<string, string>;
    const strangers = [report('campaign-7', true), report('unt_nobody', false, 'UNDELIV')];
    expect(await push(`ali/${SECRET}/report`, strangers)).toEqual(TAKEN);
    // Another account knows nothing of this one's messages.
    expect(await push(`bare/${OTHER}/report`, [report(OutId!, false, 'UNDELIV')])).toEqual(TAKEN);
    await stage.drained();
    expect((await stage.message(other.id)).status).toBe('sent');
    await push(`ali/${SECRET}/report`, [report(OutId!, false, 'NULL_NUMBER')]);
    await stage.settled(other.id, 'failed');
    await push(`ali/${SECRET}/report`, [report(OutId!, true)]);
    await stage.drained();
    expect(await stage.message(other.id)).toMatchObject({ status: 'failed', failure: { code: 'recipient-gone' } });
    expect(told(other.id)).toEqual(['message.queued', 'message.sent', 'message.failed']);
  });

  it('holds up one number where that one has had enough, and nobody else', async () => {
    const [much, little] = [somebody(), somebody()];
    ordered = ({ PhoneNumbers }) =>
      PhoneNumbers === much.slice(3)
        ? { body: { Code: 'isv.BUSINESS_LIMIT_CONTROL', Message: '触发分钟级流控Permits:1' } }
        : undefined;
    const held = await stage.reply(await conversationOf(much), '一');
    await until('the refusal', () => ordersTo(much)[0]);
    const sent = await stage.reply(await conversationOf(little), '二');
    await stage.settled(sent.id, 'sent');
    expect((await stage.message(held.id)).status).toBe('queued');
    expect(ordersTo(much)).toHaveLength(1);
  });

  it('ends with 退订, and with what only Alibaba Cloud knows of', async () => {
    const [said, unsaid] = [somebody(), somebody()];
    const [first, second] = [await conversationOf(said), await conversationOf(unsaid)];
    await push(`ali/${SECRET}/up`, [up(said, '退订')]);
    await until('contact.opted-out', () => stage.helpdesk.of('contact.opted-out')[0]);
    expect((await answer(first, { text: '别走' })).body.code).toBe('opted-out');
    expect(ordersTo(said)).toEqual([]);

    ordered = () => ({ body: { Code: 'isv.CUSTOMER_REFUSED', Message: '用户已退订' } });
    const { id } = await stage.reply(second, '在吗');
    await stage.settled(id, 'failed');
    ordered = () => undefined;
    const known = await until('the second', () => stage.helpdesk.of('contact.opted-out')[1]);
    expect(known.data).toMatchObject({ account: { id: 'ali' }, contact: { handles: [{ value: unsaid }] } });
    expect((await answer(second, { text: '在吗' })).body.code).toBe('opted-out');
    expect(ordersTo(unsaid)).toHaveLength(1);

    await push(`ali/${SECRET}/up`, [up(said, '订阅')]);
    await until('contact.opted-in', () => stage.helpdesk.of('contact.opted-in')[0]);
    await stage.settled((await stage.reply(first, '欢迎回来')).id, 'sent');
  });
});

describe('what cannot go to a recipient by Alibaba Cloud', () => {
  const sendability = async (conversation: string, text = '') => {
    const { body } = await stage.gateway.api.get<{ items: { canSend: boolean; parts: string[] }[] }>(
      `/v1/conversations/${conversation}/sendability${text && `?text=${encodeURIComponent(text)}`}`,
    );
    return body.items[0]!;
  };
  const code = { type: 'template', name: 'code', values: { code: '4711' } };

  it('is refused before it is queued: text in mainland China without a template for it', async () => {
    const customer = somebody();
    const conversation = await conversationOf(customer, 'bare', OTHER);
    const refused = await answer(conversation, { text: '您好' });
    expect([refused.status, refused.body.code]).toEqual([422, 'content-refused']);
    expect(await sendability(conversation, '您好')).toMatchObject({ canSend: false, code: 'content-refused' });
    expect((await sendability(conversation)).parts).toEqual(['template']);
    const first = { to: { handle: { scheme: 'phone', value: customer } }, accountId: 'bare', text: '您好' };
    expect((await stage.gateway.api.post<Refused>('/v1/messages', first)).status).toBe(422);
    for (const part of [
      { ...code, values: {} },
      { ...code, values: { code: '【银行】' } },
    ])
      expect((await answer(conversation, { parts: [part] })).status).toBe(422);
    const sent = await answer(conversation, { parts: [code] });
    expect([sent.status, sent.body]).toMatchObject([202, { segments: { count: 1, encoding: 'ucs2' } }]);
    await until('the order', () => ordersTo(customer)[0]);
    expect(ordersTo(customer)).toMatchObject([{ TemplateCode: 'SMS_1', TemplateParam: '{"code":"4711"}' }]);
  });

  it('is counted as it goes there: plain text abroad', async () => {
    const customer = '+14155550301';
    const to = { handle: { scheme: 'phone', value: customer } };
    const text = 'Your parcel is on its way. '.repeat(6).slice(0, 161);
    const sent = await stage.gateway.api.post<{ id: string }>('/v1/messages', { to, accountId: 'ali', text });
    expect([sent.status, sent.body]).toMatchObject([202, { segments: { count: 2, encoding: 'gsm7' } }]);
    await stage.settled(sent.body.id, 'sent');
    expect(ordersTo(customer)).toMatchObject([{ action: 'SendMessageToGlobe', To: '14155550301', Message: text }]);
  });
});

it('codes go the same way, by the template that the settings name, and are told to nobody else', async () => {
  const customer = somebody();
  await conversationOf(customer);
  const { id } = received(customer)[0]!.contact!;
  const phone = somebody();
  const handle = { scheme: 'phone', value: phone };
  const asked = await stage.gateway.api.post<{ id: string }>(`/v1/contacts/${id}/verifications`, { handle });
  expect(asked.status).toBe(202);
  const order = await until('the code', () => ordersTo(phone)[0]);
  expect(order).toMatchObject({ action: 'SendSms', TemplateCode: 'SMS_1', SignName: '云商城' });
  const { code } = JSON.parse(order['TemplateParam' as never]) as { code: string };
  const confirmed = await stage.gateway.api.post(`/v1/verifications/${asked.body.id}/confirm`, { code });
  expect(confirmed.status).toBe(200);
  expect(JSON.stringify(await stage.drained())).not.toContain(`"${code}"`);
  expect(ordersTo(phone)).toHaveLength(1);
});

describe('SMS by Tencent Cloud', () => {
  it('is pulled as well as called with, and answered by template', async () => {
    const customer = somebody();
    const { second, text } = { second: 1_795_253_398, text: '查物流' };
    replies.push({ ReplyContent: text, ReplyUnixTime: second, Sign: '云商城', ExtendCode: '', PhoneNumber: customer });
    const data = await until('what was pulled', () => received(customer)[0]);
    const pushed = { extend: '', mobile: customer.slice(3), nationcode: '86', sign: '云商城', text, time: second };
    expect(await push(`ten/${OTHER}/reply`, pushed)).toEqual({ status: 200, text: '{"result":0,"errmsg":"OK"}' });
    await stage.drained();
    expect(received(customer)).toHaveLength(1);

    const { id } = await stage.reply(data.conversation!.id, '您好');
    await stage.settled(id, 'sent');
    const order = tencent.requests.find(({ body }) => body.includes('"TemplateParamSet"'))!;
    const { SessionContext } = JSON.parse(order.body.toString()) as { SessionContext: string };
    const reported = { user_receive_time: '2026-11-21 17:20:03', nationcode: '86', mobile: customer.slice(3) };
    const done = { ...reported, report_status: 'SUCCESS', errmsg: 'DELIVRD', sid: 'other', ext: SessionContext };
    expect((await push(`ten/${OTHER}/report`, [done])).status).toBe(200);
    await stage.settled(id, 'delivered');
    expect(forged).toBe(0);
  });
});
