import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { getExpectedTwilioSignature } from 'twilio/lib/webhooks/webhooks.js';
import { fakeProvider, type FakeAnswer, type FakeProvider, type LoggedRequest } from '#transport/testing';
import { setStage, stopEverything, until, type MessageView, type Stage } from '../support/index.js';

jest.setTimeout(120_000);

const SID = `AC${'1'.repeat(32)}`;
const TOKEN = 'the auth token of the tests';
const OURS = '+15550001111';
const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);

let stage: Stage;
let twilio: FakeProvider;
let messages = 0;
/** How the next messages are answered, instead of being taken. */
const refusals: { status: number; headers?: Record<string, string>; body: object }[] = [];

const sent = () => twilio.requests.filter(({ path }) => path.endsWith('/Messages.json'));
const formOf = ({ body }: LoggedRequest) => Object.fromEntries(new URLSearchParams(body.toString()));
/** What a customer was sent. */
const sentTo = (number: string) =>
  sent()
    .map(formOf)
    .filter(({ To }) => To === number);

beforeAll(async () => {
  twilio = await fakeProvider((request): FakeAnswer => {
    if (request.path.includes('/Media/'))
      return request.headers['authorization'] === `Basic ${Buffer.from(`${SID}:${TOKEN}`).toString('base64')}`
        ? { status: 307, headers: { location: `${twilio.url}/bucket/picture` } }
        : { status: 401 };
    if (request.path === '/bucket/picture') return { headers: { 'content-type': 'image/png' }, body: PICTURE };
    return refusals.shift() ?? { status: 201, body: { sid: `SM${sent().length}`, status: 'queued', error_code: null } };
  });
  const config = { accountSid: SID, authToken: TOKEN, from: OURS, apiBase: twilio.url };
  const throughput = { perSecond: 100, perRecipientPerMinute: 600 };
  stage = await setStage({
    accounts: [{ id: 'sms', type: 'sms-twilio', name: 'Hotline', config: { ...config, throughput } }],
  });
});
afterAll(async () => {
  await stage?.close();
  await twilio?.close();
  await stopEverything();
});

/** Twilio calls: a form, signed by its own library over the address as it was configured. */
async function call(url: string, fields: Record<string, string>, token = TOKEN) {
  const signature = getExpectedTwilioSignature(token, url, fields);
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-twilio-signature': signature },
    body: new URLSearchParams(fields).toString(),
  });
  return { status: answer.status, text: await answer.text() };
}

/** A customer writes; resolves with the fields that were posted. */
async function write(from: string, text: string, more: Record<string, string> = {}): Promise<Record<string, string>> {
  messages += 1;
  const MessageSid = `SMin${messages}`;
  const fields = { MessageSid, AccountSid: SID, From: from, To: OURS, Body: text, SmsStatus: 'received', ...more };
  expect(await call(`${stage.gateway.url}/channels/sms`, fields)).toEqual({
    status: 200,
    text: expect.stringMatching(/<Response\/>$/),
  });
  return fields;
}

/** The helpdesk hears of a customer's message. */
const heard = (from: string, text: string) =>
  until(`${text} of ${from}`, () =>
    stage.helpdesk
      .of('message.received')
      .find(({ data }) => data?.message?.text === text && data.contact?.handles.some(({ value }) => value === from)),
  );
const conversationOf = async (from: string, text: string): Promise<string> => {
  await write(from, text);
  return (await heard(from, text)).data!.conversation!.id;
};
/** Twilio tells what became of the last message to a customer. */
const report = (to: string, status: string, more: Record<string, string> = {}) => {
  const url = sentTo(to).at(-1)!['StatusCallback']!;
  const MessageSid = `SM${new URL(url).searchParams.get('unit')}`;
  return call(url, { MessageSid, MessageStatus: status, To: to, From: OURS, AccountSid: SID, ...more });
};

describe('SMS from a customer to the helpdesk and back', () => {
  it('is received, answered, reported delivered, and told of', async () => {
    const customer = '+14155550101';
    const conversation = await conversationOf(customer, 'Where is my parcel? 📦');
    const event = await heard(customer, 'Where is my parcel? 📦');
    expect(event.data).toMatchObject({
      account: { id: 'sms', channel: 'sms-twilio' },
      contact: { handles: [{ scheme: 'phone', value: customer, proof: 'channel' }] },
    });

    const { body } = await stage.gateway.api.get<{ items: object[] }>(
      `/v1/conversations/${conversation}/sendability?text=${encodeURIComponent('在路上')}`,
    );
    expect(body.items).toMatchObject([
      { canSend: true, needs: { messages: 1, segments: { count: 1, encoding: 'ucs2' } } },
    ]);
    const answer = await stage.reply(conversation, 'a'.repeat(161));
    expect(answer).toMatchObject({ status: 'queued', segments: { count: 2, encoding: 'gsm7' } });

    await stage.settled(answer.id, 'sent');
    expect(sentTo(customer)).toEqual([
      {
        ...{ To: customer, From: OURS, Body: 'a'.repeat(161) },
        StatusCallback: expect.stringMatching(/\/channels\/sms\/status\?unit=unt_\w+$/),
      },
    ]);
    expect((await report(customer, 'delivered')).status).toBe(200);
    await stage.settled(answer.id, 'delivered');
    await report(customer, 'sent');
    await stage.drained();
    const told = stage.helpdesk.events.filter(({ data }) => data?.message?.id === answer.id).map(({ type }) => type);
    expect(told).toEqual(['message.queued', 'message.sent', 'message.delivered']);
  });

  it('is told of once, whatever is reported again or of messages that nobody knows', async () => {
    const customer = '+14155550108';
    const answer = await stage.reply(await conversationOf(customer, 'again?'), 'once');
    await stage.settled(answer.id, 'sent');
    for (let i = 0; i < 3; i += 1) expect((await report(customer, 'delivered')).status).toBe(200);
    const unknown = { MessageSid: 'SMunknown', MessageStatus: 'delivered', To: customer, From: OURS };
    expect((await call(`${stage.gateway.url}/channels/sms/status`, unknown)).status).toBe(200);
    await stage.settled(answer.id, 'delivered');
    await stage.drained();
    const told = stage.helpdesk.of('message.delivered').map(({ data }) => data?.message?.id);
    expect(told.filter((id) => id === answer.id)).toHaveLength(1);
  });

  it('is stored once, however often it is repeated', async () => {
    const fields = await write('+14155550102', 'once');
    for (let i = 0; i < 3; i += 1) await call(`${stage.gateway.url}/channels/sms`, fields);
    await stage.drained();
    expect(stage.helpdesk.of('message.received').filter(({ data }) => data?.message?.text === 'once')).toHaveLength(1);
  });

  it('is refused when anybody else signed it, or nobody', async () => {
    const fields = { MessageSid: 'SMforged', From: '+14155550103', To: OURS, Body: 'forged' };
    expect((await call(`${stage.gateway.url}/channels/sms`, fields, 'another token')).status).toBe(401);
    const unsigned = await fetch(`${stage.gateway.url}/channels/sms`, {
      method: 'POST',
      body: new URLSearchParams(fields),
    });
    expect(unsigned.status).toBe(401);
    await stage.drained();
    expect(stage.helpdesk.of('message.received').some(({ data }) => data?.message?.text === 'forged')).toBe(false);
  });

  it('brings pictures, which are fetched with the credentials and kept', async () => {
    const customer = '+14155550104';
    await write(customer, 'look', {
      ...{ NumMedia: '1', MediaContentType0: 'image/png' },
      MediaUrl0: `https://api.twilio.com/2010-04-01/Accounts/${SID}/Messages/MM1/Media/ME1`,
    });
    const ready = await until('the picture to be ready', () => stage.helpdesk.of('attachment.ready')[0]);
    const { body } = await stage.gateway.api.get<{ parts: { type: string; url?: string }[] }>(
      `/v1/messages/${ready.data!.attachment!.messageId}`,
    );
    const url = body.parts.find(({ type }) => type === 'media')!.url!;
    expect(Buffer.from(await (await fetch(url)).arrayBuffer()).equals(PICTURE)).toBe(true);
    const bucket = twilio.requests.find(({ path }) => path === '/bucket/picture');
    expect(bucket?.headers['authorization']).toBeUndefined();
  });
});

describe('answers by SMS', () => {
  it('wait while Twilio is throttled, and are sent once', async () => {
    const customer = '+14155550105';
    const conversation = await conversationOf(customer, 'slowly');
    refusals.push({ status: 429, headers: { 'retry-after': '1' }, body: { code: 20429 } });
    const answer = await stage.reply(conversation, 'in time');
    await stage.settled(answer.id, 'sent');
    expect(sentTo(customer)).toHaveLength(2);
  });

  it('fail as Twilio says, with its code', async () => {
    const customer = '+14155550106';
    const conversation = await conversationOf(customer, 'gone');
    const answer = await stage.reply(conversation, 'hello?');
    await stage.settled(answer.id, 'sent');
    await report(customer, 'undelivered', { ErrorCode: '30005' });
    await stage.settled(answer.id, 'failed');
    expect(await stage.message(answer.id)).toMatchObject({
      failure: { code: 'recipient-gone', providerCode: '30005' },
    });
  });
});

describe('what Twilio says of one message', () => {
  it('is not asked for twice where nobody knows whether it was taken; the report tells', async () => {
    const customer = '+14155550111';
    const conversation = await conversationOf(customer, 'are you there?');
    refusals.push({ status: 500, body: { code: 20500, message: 'Internal Server Error' } });
    const answer = await stage.reply(conversation, 'we are');
    await stage.settled(answer.id, 'failed');
    expect(await stage.message(answer.id)).toMatchObject({
      failure: { code: 'outcome-unknown', providerCode: '20500' },
    });
    const next = await stage.reply(conversation, 'the next one');
    await stage.settled(next.id, 'sent');
    expect(sentTo(customer).map(({ Body }) => Body)).toEqual(['we are', 'the next one']);
    const url = sentTo(customer)[0]!['StatusCallback']!;
    const taken = { MessageSid: 'SMtaken', MessageStatus: 'delivered', To: customer, From: OURS, AccountSid: SID };
    expect((await call(url, taken)).status).toBe(200);
    await stage.settled(answer.id, 'delivered');
  });

  it('stops no other: a country that is not enabled', async () => {
    const [there, here] = ['+8613800138112', '+14155550112'];
    const [abroad, home] = [await conversationOf(there, 'nihao'), await conversationOf(here, 'hello')];
    refusals.push({ status: 400, body: { code: 21408, message: 'Permission to send an SMS has not been enabled' } });
    const refused = await stage.reply(abroad, 'far');
    await stage.settled(refused.id, 'failed');
    expect(await stage.message(refused.id)).toMatchObject({
      failure: { code: 'config-invalid', providerCode: '21408', owner: 'operator' },
    });
    await stage.settled((await stage.reply(home, 'near')).id, 'sent');
    const { body } = await stage.gateway.api.get<{ state: string }>('/v1/accounts/sms');
    expect(body.state).not.toBe('degraded');
  });

  it('ends all answers where the person refused them at Twilio, until START', async () => {
    const customer = '+14155550113';
    const conversation = await conversationOf(customer, 'hi');
    refusals.push({ status: 400, body: { code: 21610, message: 'Attempt to send to unsubscribed recipient' } });
    const answer = await stage.reply(conversation, 'please');
    await stage.settled(answer.id, 'failed');
    const told = await until('contact.opted-out', () =>
      stage.helpdesk
        .of('contact.opted-out')
        .find(({ data }) => data?.contact?.handles.some(({ value }) => value === customer)),
    );
    expect(told.data).toMatchObject({ account: { id: 'sms' } });
    const refused = await stage.gateway.api.post<{ code: string }>(`/v1/conversations/${conversation}/messages`, {
      text: 'please',
    });
    expect(refused.body.code).toBe('opted-out');
    expect(sentTo(customer)).toHaveLength(1);
    await write(customer, 'START');
    await until('the right to write', async () => {
      const { body } = await stage.gateway.api.get<{ items: { canSend: boolean }[] }>(
        `/v1/conversations/${conversation}/sendability`,
      );
      return body.items[0]?.canSend || null;
    });
    await stage.settled((await stage.reply(conversation, 'welcome back')).id, 'sent');
  });
});

it('a name takes no answers, and that is known beforehand', async () => {
  const conversation = await conversationOf('MyBank', 'Your code is 4711');
  const { body } = await stage.gateway.api.get<{ items: object[] }>(`/v1/conversations/${conversation}/sendability`);
  expect(body.items).toMatchObject([{ canSend: false, code: 'recipient-gone', parts: [] }]);
  const refused = await stage.gateway.api.post<{ code: string }>(`/v1/conversations/${conversation}/messages`, {
    text: 'thank you',
  });
  expect([refused.status, refused.body.code]).toEqual([409, 'recipient-gone']);
});

describe('STOP', () => {
  it('is seen, told of, and ends all answers until START', async () => {
    const customer = '+14155550107';
    const conversation = await conversationOf(customer, 'hi');
    await write(customer, 'Stop');
    await heard(customer, 'Stop');
    const consent = await until('contact.opted-out', () =>
      stage.helpdesk
        .of('contact.opted-out')
        .find(({ data }) => data?.contact?.handles.some(({ value }) => value === customer)),
    );
    expect(consent.data).toMatchObject({ account: { id: 'sms' }, contact: { handles: [{ value: customer }] } });

    const refused = await stage.gateway.api.post<{ code: string }>(`/v1/conversations/${conversation}/messages`, {
      text: 'please',
    });
    expect([refused.status >= 400, refused.body.code]).toEqual([true, 'opted-out']);
    const first = { to: { handle: { scheme: 'phone', value: customer } }, accountId: 'sms', text: 'please' };
    expect((await stage.gateway.api.post<{ code: string }>('/v1/messages', first)).body.code).toBe('opted-out');
    expect(sentTo(customer)).toEqual([]);

    await write(customer, 'START');
    await until('contact.opted-in', () =>
      stage.helpdesk
        .of('contact.opted-in')
        .find(({ data }) => data?.contact?.handles.some(({ value }) => value === customer)),
    );
    const answer: MessageView = await stage.reply(conversation, 'welcome back');
    await stage.settled(answer.id, 'sent');
    expect(sentTo(customer)).toMatchObject([{ Body: 'welcome back' }]);
  });
});
