import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { ClientFrame, ServerFrame } from '#channels';
import { WebSocket } from 'ws';
import { deliver, FakeSmsc } from '../../libs/channels/src/sms-smpp/testing/fake-smsc.js';
import { setStage, stopEverything, until, type Stage } from '../support/index.js';

jest.setTimeout(180_000);

let stage: Stage;
let smsc: FakeSmsc;

const numberOf = (phone: string) => phone.slice(1);
const sentTo = (phone: string) => smsc.submitted.filter(({ destination }) => destination.address === numberOf(phone));

beforeAll(async () => {
  smsc = await FakeSmsc.start();
  const config = {
    ...{ host: '127.0.0.1', port: smsc.port, systemId: 'shop', password: 'the-password-of-the-tests', from: '80808' },
    ...{ timeoutMs: 3_000, throughput: { perSecond: 100, perRecipientPerMinute: 600 } },
  };
  stage = await setStage({
    accounts: [
      { id: 'sms', type: 'sms-smpp', name: 'Hotline', config },
      {
        id: 'web',
        type: 'webchat',
        config: { prechat: { fields: { phone: { required: true } }, verify: 'required' } },
      },
    ],
    settings: { identity: { country: 'CN', codes: { phone: 'sms', name: 'Corner Shop' } } },
  });
});
afterAll(async () => {
  await stage?.close();
  await smsc?.close();
  await stopEverything();
});

/** A customer writes: said again for as long as nobody takes it, as message centres do. */
async function write(from: string, text: string): Promise<void> {
  const source = { ton: 1, npi: 1, address: numberOf(from) };
  const octets = Buffer.from(text, 'utf16le').swap16();
  await until(`${text} to be taken`, () => smsc.say(deliver({ source, dataCoding: 8, octets })));
}

async function conversationOf(from: string, text: string): Promise<string> {
  await write(from, text);
  const event = await until(`${text} of ${from}`, () =>
    stage.helpdesk.of('message.received').find(({ data }) => data?.message?.text === text),
  );
  expect(event.data).toMatchObject({
    account: { id: 'sms', channel: 'sms-smpp' },
    contact: { handles: [{ scheme: 'phone', value: from, proof: 'channel' }] },
  });
  return event.data!.conversation!.id;
}

describe('SMS by SMPP, from a customer to the helpdesk and back', () => {
  it('is received, answered in parts, reported delivered, and told of', async () => {
    const customer = '+4915112345001';
    const conversation = await conversationOf(customer, 'Wo ist mein Paket? 📦');
    const answer = await stage.reply(conversation, 'a'.repeat(161));
    await stage.settled(answer.id, 'sent');
    expect(sentTo(customer).map(({ text }) => text.length)).toEqual([153, 8]);
    expect(await smsc.receipt(sentTo(customer).at(-1)!.id, 'DELIVRD')).toBe(true);
    await stage.settled(answer.id, 'delivered');
    await stage.drained();
    const told = stage.helpdesk.events.filter(({ data }) => data?.message?.id === answer.id).map(({ type }) => type);
    expect(told).toEqual(['message.queued', 'message.sent', 'message.delivered']);
  });

  it('fails as the message centre says, then and later', async () => {
    const customer = '+4915112345002';
    const conversation = await conversationOf(customer, 'gone');
    smsc.answer(() => ({ body: { status: 0x0b } }));
    const refused = await stage.reply(conversation, 'refused');
    await stage.settled(refused.id, 'failed');
    expect(await stage.message(refused.id)).toMatchObject({
      failure: { code: 'recipient-gone', providerCode: '0x0000000B' },
    });
    smsc.answer(() => ({}));
    const lost = await stage.reply(conversation, 'lost');
    await stage.settled(lost.id, 'sent');
    await smsc.receipt(sentTo(customer).at(-1)!.id, 'EXPIRED', { error: '027' });
    await stage.settled(lost.id, 'failed');
    expect(await stage.message(lost.id)).toMatchObject({
      failure: { code: 'unavailable', providerCode: 'EXPIRED 027' },
    });
  });

  it('waits while it is throttled, and is sent once more', async () => {
    const customer = '+4915112345003';
    const conversation = await conversationOf(customer, 'slowly');
    let refusals = 1;
    smsc.answer(({ path }) => (path === '/submit_sm' && refusals-- > 0 ? { status: 429 } : {}));
    const answer = await stage.reply(conversation, 'in time');
    await stage.settled(answer.id, 'sent');
    expect(sentTo(customer)).toHaveLength(2);
  });

  it('is stored once and answered never twice, when the gateway is killed with the acknowledgement and the answer under way', async () => {
    const customer = '+4915112345004';
    const conversation = await conversationOf(customer, 'kill me');
    smsc.answer(({ path }) => (path === '/submit_sm' ? 'hang' : {}));
    const answer = await stage.reply(conversation, 'did it arrive?');
    await until('the submit_sm', () => sentTo(customer)[0]);
    const source = { ton: 1, npi: 1, address: numberOf(customer) };
    const again = deliver({ source, octets: Buffer.from('again and again') });
    const said = smsc.say(again);
    await stage.gateway.kill9();
    const acknowledged = await said;
    smsc.answer(() => ({}));
    await stage.gateway.start();
    await stage.settled(answer.id, 'failed');
    expect(await stage.message(answer.id)).toMatchObject({ failure: { code: 'outcome-unknown' } });
    if (!acknowledged) await until('the message to be taken', () => smsc.say(again));
    await conversationOf(customer, 'after the kill');
    const next = await stage.reply(conversation, 'and now?');
    await stage.settled(next.id, 'sent');
    expect(sentTo(customer).map(({ text }) => text)).toEqual(['did it arrive?', 'and now?']);
    await stage.drained();
    const texts = stage.helpdesk.of('message.received').map(({ data }) => data?.message?.text);
    expect(texts.filter((text) => text === 'again and again')).toHaveLength(1);
  });

  it('is connected again when the line is cut', async () => {
    const customer = '+4915112345005';
    const conversation = await conversationOf(customer, 'cut me off');
    smsc.cut();
    const answer = await stage.reply(conversation, 'still here');
    await stage.settled(answer.id, 'sent');
    expect(sentTo(customer)).toHaveLength(1);
  });
});

it('a code that the web chat asks for leaves as an SMS, once, and is told to nobody else', async () => {
  const phone = '+8613800138000';
  const socket = new WebSocket(`${stage.gateway.url.replace('http', 'ws')}/chat`, { origin: stage.gateway.url });
  const frames: ServerFrame[] = [];
  const got = (type: ServerFrame['type']) =>
    until(`the frame ${type}`, () => frames.find((frame) => frame.type === type));
  const send = (frame: ClientFrame) => socket.send(JSON.stringify(frame));
  socket.on('message', (data) => frames.push(JSON.parse(String(data as Buffer)) as ServerFrame));
  await new Promise((done) => socket.once('open', done));
  send({ type: 'hello', account: 'web', after: 0 });
  await got('welcome');
  send({ type: 'prechat', answers: { phone: '138 0013 8000' } });
  await got('prechat');
  send({ type: 'code', scheme: 'phone' });
  await got('code');
  const { text } = await until('the SMS', () => sentTo(phone)[0]);
  const code = /^Corner Shop: your code is (\d{6})\./.exec(text)![1]!;
  send({ type: 'confirm', scheme: 'phone', code });
  await until('the proof', () => frames.find((frame) => frame.type === 'prechat' && frame.prechat.done));
  expect(sentTo(phone)).toHaveLength(1);
  expect(JSON.stringify(await stage.drained())).not.toContain(code);
  expect(stage.gateway.logs).not.toMatch(new RegExp(`\\b${code}\\b`));
  expect(stage.gateway.logs).not.toContain('the-password-of-the-tests');
  socket.terminate();
});
