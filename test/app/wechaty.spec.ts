import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { FileBox } from 'file-box';
import { log, types } from 'wechaty-puppet';
import { mock, PuppetMock } from 'wechaty-puppet-mock';
import { PuppetServer } from 'wechaty-puppet-service';
import { setStage, stopEverything, until, type MessageView, type Stage } from '../support/index.js';

jest.setTimeout(180_000);
log.level('silent');

const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);
const TOKEN = 'insecure_canary-token-of-the-puppet';
const CODE = 'https://login.weixin.qq.com/l/canary-code';

type Mocker = InstanceType<typeof mock.Mocker>;
interface Account {
  readonly stateDetail: string | null;
  readonly state: string;
  readonly loginCode: { readonly content: string; readonly image: string } | null;
  readonly config: { credentials: unknown };
}

/** A puppet on another machine, as paid ones are: the mock behind wechaty's own gRPC server. */
class PuppetHost {
  mocker!: Mocker;
  private server!: PuppetServer;

  private constructor(readonly endpoint: string) {}

  static async start(): Promise<PuppetHost> {
    const host = new PuppetHost(`127.0.0.1:${await freePort()}`);
    await host.up();
    return host;
  }

  async up(): Promise<void> {
    this.mocker = new mock.Mocker();
    const puppet = new PuppetMock({ mocker: this.mocker });
    this.server = new PuppetServer({ endpoint: this.endpoint, puppet, token: TOKEN, tls: { disable: true } } as never);
    await this.server.start();
  }

  down(): Promise<void> {
    return this.server.stop();
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

let stage: Stage;
let host: PuppetHost;

const account = async () => (await stage.gateway.api.get<Account>('/v1/accounts/li')).body;
const standing = (state: string) =>
  until(`the account to be ${state}`, async () => (await account()).state === state || null);
const eventAbout = (type: Parameters<Stage['helpdesk']['of']>[0], words: string) =>
  until(`${type} about ${words}`, () => stage.helpdesk.of(type).find((event) => JSON.stringify(event).includes(words)));

/** Logs our user in, next to a customer. */
function enter() {
  const { mocker } = host;
  const me = mocker.createContact({ id: 'wxid_li', name: '小李', type: types.Contact.Individual });
  const alice = mocker.createContact({ id: 'wxid_alice', name: 'Alice', type: types.Contact.Individual });
  mocker.login(me);
  return { mocker, me, alice };
}

function heardBy(whom: object): string[] {
  const heard: string[] = [];
  (whom as NodeJS.EventEmitter).on('message', (message: { text(): string; talker(): { id: string } }) => {
    if (message.talker().id === 'wxid_li') heard.push(message.text());
  });
  return heard;
}

const answer = async (conversationId: string, body: object): Promise<MessageView> => {
  const queued = await stage.gateway.api.post<MessageView>(`/v1/conversations/${conversationId}/messages`, body);
  expect(queued.status).toBe(202);
  return queued.body;
};

describe('personal WeChat', () => {
  beforeAll(async () => {
    host = await PuppetHost.start();
    const config = {
      ...{ acceptRisk: true, puppet: 'wechaty-puppet-service', userId: 'wxid_li', rooms: true },
      ...{ puppetOptions: { endpoint: host.endpoint, tls: { disable: true } }, credentials: { token: TOKEN } },
    };
    stage = await setStage({ accounts: [{ id: 'li', type: 'wechaty', name: 'Li', config }] });
  });
  afterAll(async () => {
    await stage?.close();
    await host?.down().catch(() => undefined);
    await stopEverything();
  });

  let conversationId: string;

  it('shows the login code in the API, and nowhere else', async () => {
    await until('the code', async () => {
      host.mocker.scan(CODE);
      return (await account()).loginCode?.content === CODE || null;
    });
    expect(await account()).toMatchObject({
      ...{ state: 'disconnected', config: { credentials: { token: '***' } } },
      loginCode: { image: expect.stringMatching(/^data:image\/svg\+xml;base64,/) },
    });
    const told = await eventAbout('account.disconnected', 'Scan the login code');
    expect(JSON.stringify([told, await stage.gateway.api.stream()])).not.toContain('canary');
  });

  it('takes what customers write and send, once somebody is logged in', async () => {
    const { me, alice } = enter();
    await standing('connected');
    expect((await account()).loginCode).toBeNull();
    alice.say('包裹到哪了？').to(me);
    const { data } = await eventAbout('message.received', '包裹到哪了');
    conversationId = data!.conversation!.id;
    expect(data!.contact).toMatchObject({ name: 'Alice', handles: [{ scheme: 'wechat-wxid', value: 'wxid_alice' }] });

    alice.say(FileBox.fromBase64(PICTURE.toString('base64'), 'photo.png')).to(me);
    const ready = await until('the picture', () => stage.helpdesk.of('attachment.ready')[0]);
    const [part] = ready.data!.message!.parts;
    if (part?.type !== 'media' || !part.url) throw new Error('the picture has no address');
    const { pathname, search } = new URL(part.url);
    const file = await fetch(new URL(pathname + search, stage.gateway.url));
    expect(Buffer.from(await file.arrayBuffer())).toEqual(PICTURE);
  });

  it('answers, without hearing its own echo, and shows what is answered on the phone', async () => {
    const { mocker } = host;
    const [me, alice] = [mocker.ContactMock.load('wxid_li'), mocker.ContactMock.load('wxid_alice')];
    const heard = heardBy(alice);
    const { id } = await answer(conversationId, { text: '已发货' });
    await stage.settled(id, 'sent');
    expect(heard).toEqual(['已发货']);
    me.say('明天就到').to(alice);
    const { data } = await eventAbout('message.sent', '明天就到');
    expect(data).toMatchObject({
      conversation: { id: conversationId },
      message: { author: { kind: 'agent', name: '小李' } },
    });
    expect(stage.helpdesk.of('message.sent').map((event) => event.data?.message?.text)).toEqual(['已发货', '明天就到']);
  });

  it('sends pictures', async () => {
    const form = new FormData();
    form.append('file', new Blob([PICTURE], { type: 'image/png' }), 'label.png');
    const headers = { authorization: `Bearer ${stage.gateway.adminKey}` };
    const made = await fetch(`${stage.gateway.url}/v1/files`, { method: 'POST', headers, body: form });
    const { id: fileId } = (await made.json()) as { id: string };
    const before = host.mocker.cacheFileBoxPayload.size;
    const { id } = await answer(conversationId, { parts: [{ type: 'media', kind: 'image', fileId }] });
    await stage.settled(id, 'sent');
    const boxes = [...host.mocker.cacheFileBoxPayload.values()];
    expect(boxes).toHaveLength(before + 1);
    expect(await FileBox.fromJSON(boxes.at(-1)!).toBuffer()).toEqual(PICTURE);
  });

  it('names the group, and who of it wrote', async () => {
    const { mocker } = host;
    const alice = mocker.ContactMock.load('wxid_alice');
    const room = mocker.createRoom({ id: '1@chatroom', topic: '采购群', memberIdList: ['wxid_li', alice.id] } as never);
    alice.say('in the group').to(room);
    const { data } = await eventAbout('message.received', 'in the group');
    expect(data).toMatchObject({
      contact: { name: '采购群', handles: [{ scheme: 'wechaty-room', scope: 'li', value: '1@chatroom' }] },
      message: { author: { name: 'Alice', member: { scheme: 'wechat-wxid', scope: '', value: 'wxid_alice' } } },
    });
  });

  it('tells of recalls', async () => {
    const { mocker } = host;
    const received = stage.helpdesk.of('message.received')[0]!.data!.message!;
    mocker.MessageMock.create({
      ...{ id: 'recall-1', type: types.Message.Recalled, text: received.externalIds[0]!, timestamp: Date.now() },
      ...{ talkerId: 'wxid_alice', listenerId: 'wxid_li' },
    } as never);
    mocker.puppet.emit('message', { messageId: 'recall-1' });
    expect((await eventAbout('message.deleted', received.id)).data!.message!.id).toBe(received.id);
  });

  it('waits while nobody is logged in, sends then, and names what may be missing', async () => {
    await host.mocker.puppet.logout('kicked');
    await until('the end of the login', async () => (await account()).state !== 'connected' || null);
    const { id } = await answer(conversationId, { text: 'later' });
    expect((await stage.message(id)).status).toBe('queued');
    await host.down();
    await host.up();
    await until('a new connection', async () => {
      host.mocker.scan(CODE);
      return (await account()).loginCode?.content === CODE || null;
    });
    const { alice } = enter();
    const heard = heardBy(alice);
    await standing('connected');
    await stage.settled(id, 'sent');
    expect(heard).toEqual(['later']);
    const told = await eventAbout('account.connected', 'may be missing');
    expect(told.data?.status).toMatchObject({ action: expect.stringContaining('phone') });
    expect((await account()).stateDetail).toContain('may be missing');
  });

  it('says after a kill which time may be missing, though it never was anything but connected', async () => {
    const gaps = () => stage.helpdesk.of('account.connected').filter(({ data }) => data?.status?.gap);
    const before = gaps().length;
    await stage.gateway.restart();
    await until('the event', () => gaps()[before]);
    await standing('connected');
    const { from, to } = gaps()[before]!.data!.status!.gap!;
    expect(Date.parse(to)).toBeGreaterThan(Date.parse(from));
    host.mocker.ContactMock.load('wxid_alice').say('noch da?').to(host.mocker.ContactMock.load('wxid_li'));
    await eventAbout('message.received', 'noch da?');
    expect(gaps()).toHaveLength(before + 1);
  });

  it('notices that the machine of the puppet died, and comes back with it', async () => {
    await host.down();
    await until('the loss', async () => (await account()).state !== 'connected' || null);
    await host.up();
    const scan = async () => {
      host.mocker.scan(CODE);
      return (await account()).loginCode?.content === CODE || null;
    };
    await until('a new connection', scan, 90_000);
    const { me, alice } = enter();
    await standing('connected');
    alice.say('还在吗').to(me);
    await eventAbout('message.received', '还在吗');
  });

  it('is labelled in the list of channels', async () => {
    const { items } = (await stage.gateway.api.get<{ items: { type: string; notice: string }[] }>('/v1/channels')).body;
    expect(items.find(({ type }) => type === 'wechaty')?.notice).toMatch(/^Unofficial.*banned/);
  });

  it('writes neither codes nor tokens nor messages into the log', async () => {
    expect((await stage.gateway.stop()).code).toBe(0);
    const { output } = stage.gateway;
    expect(output).toContain('account disconnected');
    expect(output).not.toMatch(/canary|包裹到哪了|已发货/);
  });
});
