import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Part } from '#normalizer';
import { FileBox } from 'file-box';
import { types } from 'wechaty-puppet';
import { PuppetMock, type mock } from 'wechaty-puppet-mock';
import { unitTo, until } from './testing/bench.js';
import {
  bench,
  channel,
  clear,
  connect,
  customer,
  hear,
  open,
  puppets,
  raw,
  sentTo,
  socket,
  worlds,
} from './testing/mock-wechat.js';
import { wechaty, wechatyChannel } from './wechaty.adapter.js';
import { wechatyConfig } from './wechaty.config.js';

type Mocker = InstanceType<typeof mock.Mocker>;

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';

afterEach(clear);

describe('a login', () => {
  it('is waited for, its code offered to the API alone', async () => {
    const account = bench('a');
    const opening = socket.open(account.emit, account.context());
    await until(() => worlds.has('a') && puppets[0]!.state.active() === true);
    const mocker = worlds.get('a')!;
    mocker.scan('https://login.weixin.qq.com/l/canary', types.ScanStatus.Waiting);
    mocker.scan('https://login.weixin.qq.com/l/canary', types.ScanStatus.Scanned);
    expect(account.standings).toEqual([
      expect.objectContaining({ state: 'disconnected', link: 'https://login.weixin.qq.com/l/canary' }),
      expect.objectContaining({ state: 'disconnected', action: 'Confirm the login on the phone.' }),
    ]);
    expect(account.standings.map(({ detail, action }) => detail + action).join()).not.toContain('canary');
    mocker.login(mocker.createContact({ id: 'wxid_self', name: 'Li' }));
    open.push({ account, session: await opening });
    expect(account.standings.at(-1)).toEqual({ state: 'connected', detail: 'logged in as Li', action: null });
  });

  it('that nobody makes ends when the gateway lets go', async () => {
    const account = bench('a');
    const opening = socket.open(account.emit, account.context());
    await until(() => puppets[0]?.state.active() === true);
    account.end();
    await expect(opening).rejects.toThrow('closed');
    expect(puppets[0]!.state.inactive()).toBe(true);
  });

  it('of somebody else than the user of the settings is refused', async () => {
    const account = bench('a', { userId: 'wxid_shop' });
    await expect(connect(account, 'wxid_stranger')).rejects.toMatchObject({ code: 'config-invalid' });
    expect(puppets[0]!.isLoggedIn).toBe(false);
  });

  it('that ends is told, and the next one names what may be missing', async () => {
    const account = bench('a');
    const first = await connect(account);
    account.time += 60_000;
    await first.puppet.logout('kicked');
    await until(() => account.lost !== undefined);
    expect(account.lost).toMatchObject({ code: 'unavailable', message: expect.stringContaining('ended the login') });
    account.time += 3_600_000;
    await socket.close(first.session);
    await connect(account);
    expect(account.standings.at(-1)).toEqual({
      state: 'connected',
      detail:
        'logged in as 客服小李; messages from 2026-11-21T09:31:00.000Z to 2026-11-21T10:31:00.000Z may be missing',
      action: expect.stringContaining('on the phone'),
      gap: { from: '2026-11-21T09:31:00.000Z', to: '2026-11-21T10:31:00.000Z' },
    });
  });

  it('is lost with a puppet that dies', async () => {
    const account = bench('a');
    const { puppet } = await connect(account);
    await puppet.stop();
    await until(() => account.lost !== undefined);
  });

  it('is lost where the connection to a puppet behind a wire breaks', async () => {
    const account = bench('a');
    const { puppet } = await connect(account);
    puppet.emit(
      'error',
      Object.assign(new Error('14 UNAVAILABLE: dropped'), { code: 14, details: 'dropped' }) as never,
    );
    await until(() => account.lost !== undefined);
    expect(account.lost).toMatchObject({ message: expect.stringContaining('connection to the puppet broke') });
  });

  it('goes on where the puppet only reports an error, which is shown until messages come again', async () => {
    const account = bench('a');
    const { puppet, mocker, me } = await connect(account);
    puppet.emit('error', { gerror: 'canary: no such message' });
    await until(() => account.standings.at(-1)?.state === 'degraded');
    customer(mocker).say('hello').to(me);
    await until(() => account.standings.at(-1)?.state === 'connected');
    expect(account.lost).toBeUndefined();
    expect(JSON.stringify(account.standings)).not.toContain('canary');
  });
});

describe('a puppet', () => {
  const failing = async (load: (name: string) => Promise<unknown>, config = {}) => {
    const account = bench('a', config);
    return wechatyChannel(load).ingress.socket!.open(account.emit, account.context());
  };

  it('that is not installed is said to be so, with what to do', async () => {
    const account = bench('a', { puppet: 'wechaty-puppet-of-nobody' });
    await expect(wechaty.ingress.socket!.open(account.emit, account.context())).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining('npm install wechaty-puppet-of-nobody'),
    });
  });

  it('that refuses its options, or is none, is a matter of the settings', async () => {
    const refusing = class {
      constructor() {
        throw new Error('token canary');
      }
    };
    for (const loaded of [{ default: refusing }, { default: { default: refusing } }, { default: {} }, {}])
      await expect(failing(async () => loaded)).rejects.toMatchObject({
        code: 'config-invalid',
        message: expect.not.stringContaining('canary'),
      });
  });

  it('that does not start is tried again', async () => {
    const dead = class extends PuppetMock {
      override onStart = () => Promise.reject(new Error('canary'));
    };
    await expect(failing(async () => ({ default: dead }))).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('is a package of that name, and nothing else', () => {
    const takes = (puppet: string) => wechatyConfig.safeParse({ acceptRisk: true, puppet }).success;
    expect(['wechaty-puppet-service', '@juzi/wechaty-puppet-service'].map(takes)).toEqual([true, true]);
    expect(['fs', '../wechaty-puppet-x', 'file:///wechaty-puppet-x', 'wechaty-puppet-x/../../y'].some(takes)).toBe(
      false,
    );
    expect(wechatyConfig.safeParse({ puppet: 'wechaty-puppet-mock' }).success).toBe(false);
  });
});

describe('messages', () => {
  it('of customers are stored under an id that outlives the login', async () => {
    const account = bench('a');
    const { mocker, me } = await connect(account);
    const alice = customer(mocker);
    alice.say('你好').to(me);
    alice.say('你好').to(me);
    await until(() => account.stored.length === 2);
    expect(account.stored[0]).toMatchObject({
      kind: 'message',
      from: 'contact',
      thread: 'wxid_alice',
      sender: { name: 'Alice', handles: [{ scheme: 'wechat-wxid', scope: '', value: 'wxid_alice', proof: 'channel' }] },
      parts: [{ type: 'text', text: '你好' }],
    });
    const [one, two] = account.stored as { dedupeKey: string; externalIds: string[] }[];
    expect(one!.dedupeKey).toBe(`message:${one!.externalIds[0]}`);
    expect(two!.dedupeKey).not.toBe(one!.dedupeKey);
  });

  it('bring their files, which the puppet holds', async () => {
    const account = bench('a');
    const { mocker, me, session } = await connect(account);
    customer(mocker).say(FileBox.fromBase64(PIXEL, 'photo.png')).to(me);
    await until(() => account.stored.length === 1);
    const [part] = (account.stored[0] as { parts: { ref: string }[] }).parts;
    expect(part).toMatchObject({ type: 'media', kind: 'image', state: 'pending' });
    const media = await channel.fetchMedia!(part!.ref, account.with(session));
    expect(Buffer.concat(await media.stream.toArray()).toString('base64')).toBe(PIXEL);
    await expect(channel.fetchMedia!('unknown', account.with(session))).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('bring files of every type', async () => {
    const account = bench('a');
    const { mocker, me, session } = await connect(account);
    const alice = customer(mocker);
    const names = { 'a.jpg': 'image', 'a.mp4': 'video', 'a.silk': 'voice', '合同.pdf': 'file', 'a.gif': 'sticker' };
    const boxOf = (name: string) => FileBox.fromBase64(Buffer.from(`bytes of ${name}`).toString('base64'), name);
    for (const name of ['a.jpg', 'a.mp4']) alice.say(boxOf(name)).to(me);
    // The mock has no way to say the others.
    const { Audio, Attachment, Emoticon } = types.Message;
    for (const [name, type] of Object.entries({ 'a.silk': Audio, '合同.pdf': Attachment, 'a.gif': Emoticon })) {
      mocker.cacheFileBoxPayload.set(name, boxOf(name).toJSON());
      raw(mocker, { id: name, type, talkerId: alice.id, listenerId: me.id });
    }
    await until(() => account.stored.length === 5);
    const parts = account.stored.flatMap((event) => (event as { parts: { kind: string; ref: string }[] }).parts);
    expect(parts.map(({ kind }) => kind)).toEqual(Object.values(names));
    for (const [i, name] of Object.keys(names).entries()) {
      const media = await channel.fetchMedia!(parts[i]!.ref, account.with(session));
      expect([media.name, Buffer.concat(await media.stream.toArray()).toString()]).toEqual([name, `bytes of ${name}`]);
    }
  });

  it('of every type are taken, what is not known as unsupported', async () => {
    const account = bench('a');
    const { mocker, me } = await connect(account);
    customer(mocker);
    const from = { talkerId: 'wxid_alice', listenerId: me.id };
    const { Message } = types;
    raw(mocker, { ...from, id: 'm1', type: Message.Location });
    raw(mocker, { ...from, id: 'm2', type: Message.Url });
    raw(mocker, { ...from, id: 'm3', type: Message.MiniProgram });
    raw(mocker, { ...from, id: 'm4', type: Message.Contact });
    raw(mocker, { ...from, id: 'm5', type: Message.Audio });
    raw(mocker, { ...from, id: 'm6', type: Message.Attachment, filename: '合同.pdf' });
    raw(mocker, { ...from, id: 'm7', type: Message.Emoticon });
    raw(mocker, { ...from, id: 'm8', type: Message.Transfer, text: '转账 ¥100' });
    raw(mocker, { ...from, id: 'm9', type: Message.ChatHistory, text: '<msg/>' });
    raw(mocker, { ...from, id: 'm10', type: 99 });
    await until(() => account.stored.length === 10);
    const byId = new Map(account.stored.map((event) => [(event as { externalIds: string[] }).externalIds[0], event]));
    const parts = [...Array(10).keys()].map((n) => (byId.get(`m${n + 1}`) as { parts: Part[] }).parts);
    expect(parts).toMatchObject([
      [{ type: 'location', latitude: expect.any(Number), longitude: 116.334154 }],
      [{ type: 'link', url: 'https://mock.url', title: 'mock title for m2' }],
      [{ type: 'card', title: 'mock title for m3' }],
      [{ type: 'unsupported', providerType: 'Contact' }],
      [{ type: 'media', kind: 'voice', ref: 'm5' }],
      [{ type: 'media', kind: 'file', ref: 'm6', name: '合同.pdf' }],
      [{ type: 'media', kind: 'sticker' }],
      [
        { type: 'unsupported', providerType: 'Transfer' },
        { type: 'text', text: '转账 ¥100' },
      ],
      [{ type: 'unsupported', providerType: 'ChatHistory' }],
      [{ type: 'unsupported', providerType: 'type 99' }],
    ]);
    expect(parts[8]).toHaveLength(1);
    expect(account.stored[0]).toMatchObject({ occurredAt: '2023-11-14T22:13:20.000Z' });
  });

  it('that are recalled are deleted, named as the puppet names them', async () => {
    const account = bench('a');
    const { mocker, me } = await connect(account);
    customer(mocker);
    const recall = { talkerId: 'wxid_alice', listenerId: me.id, type: types.Message.Recalled };
    raw(mocker, { ...recall, id: 'r1', text: 'm1' });
    raw(mocker, { ...recall, id: 'r2', text: '<sysmsg><revokemsg><newmsgid>8812</newmsgid></revokemsg></sysmsg>' });
    raw(mocker, { ...recall, id: 'r3', text: '<sysmsg/>' });
    await until(() => account.stored.length === 3);
    expect(account.stored).toMatchObject([
      { kind: 'deleted', externalId: 'm1', thread: 'wxid_alice' },
      { kind: 'deleted', externalId: '8812' },
      { kind: 'message', parts: [{ type: 'unsupported', providerType: 'Recalled' }] },
    ]);
  });

  it('that our own user recalls on the phone are deleted, also while a file is being sent', async () => {
    const account = bench('a');
    const { mocker, me, session, puppet } = await connect(account);
    const alice = customer(mocker);
    me.say('wrong').to(alice);
    await until(() => account.stored.length === 1);
    let sent = false;
    puppet.messageSendFile = async () => void (sent = true);
    const part = {
      type: 'media',
      kind: 'file',
      fileId: 'f',
      mimeType: 'text/plain',
      bytes: 4,
      state: 'ready',
    } as const;
    const sending = channel.send!(unitTo('wxid_alice', part), account.with(session));
    await until(() => sent);
    const [{ externalIds }] = account.stored as unknown as [{ externalIds: string[] }];
    raw(mocker, {
      ...{ id: 'r1', type: types.Message.Recalled, text: externalIds[0] },
      ...{ talkerId: me.id, listenerId: alice.id },
    });
    await until(() => account.stored.length === 2);
    expect(account.stored[1]).toMatchObject({ kind: 'deleted', externalId: externalIds[0], thread: 'wxid_alice' });
    expect((await sending).externalIds).toEqual([]);
  });

  it('of official accounts, to oneself and in groups are left alone', async () => {
    const account = bench('a');
    const { mocker, me } = await connect(account);
    mocker.createContact({ id: 'gh_news', type: types.Contact.Official }).say('broadcast').to(me);
    me.say('a note').to(me);
    me.say('another').to(mocker.createContact({ id: 'filehelper', type: types.Contact.Individual }));
    const alice = customer(mocker);
    alice.say('in a group').to(mocker.createRoom({ id: '1@chatroom', memberIdList: [me.id, alice.id] } as never));
    alice.say('last').to(me);
    await until(() => account.stored.length > 0);
    expect(account.stored).toMatchObject([{ parts: [{ text: 'last' }] }]);
  });

  it('in groups name the group and who wrote, where they are wanted', async () => {
    const account = bench('a', { rooms: true });
    const { mocker, me } = await connect(account);
    const [alice, bob] = [customer(mocker), customer(mocker, 'wxid_bob', 'Bob')];
    const room = mocker.createRoom({
      id: '1@chatroom',
      topic: '采购群',
      memberIdList: [me.id, alice.id, bob.id],
    } as never);
    alice.say('one').to(room);
    bob.say('two').to(room);
    me.say('from the phone').to(room);
    await until(() => account.stored.length === 3);
    const handles = [{ scheme: 'wechaty-room', scope: 'a', value: '1@chatroom' }];
    const member = (value: string) => ({ scheme: 'wechat-wxid', scope: '', value });
    const common = { thread: 'room:1@chatroom', from: 'contact' };
    expect(account.stored).toMatchObject([
      { ...common, sender: { name: 'Alice', member: member('wxid_alice'), group: '采购群', handles } },
      { ...common, sender: { name: 'Bob', member: member('wxid_bob'), group: '采购群', handles } },
      { thread: 'room:1@chatroom', from: 'agent', sender: { name: '客服小李', handles } },
    ]);
    const heard: string[] = [];
    hear(room, (message) => void heard.push(message.text()));
    await channel.send!(unitTo('room:1@chatroom', { type: 'text', text: 'to all' }), account.with(open[0]!.session));
    expect(heard).toEqual(['to all']);
  });

  it('wait for the database, in order', async () => {
    const account = bench('a');
    const { mocker, me } = await connect(account);
    let refusals = 2;
    account.storing = () => {
      if ((refusals -= 1) >= 0) throw new Error('the database is away');
    };
    const alice = customer(mocker);
    alice.say('one').to(me);
    alice.say('two').to(me);
    await until(() => account.stored.length === 2);
    expect(account.stored).toMatchObject([{ parts: [{ text: 'one' }] }, { parts: [{ text: 'two' }] }]);
  });

  it('that could not be stored before the gateway let go are named as missing', async () => {
    const account = bench('a');
    const { mocker, me, session } = await connect(account);
    account.storing = () => {
      throw new Error('the database is away');
    };
    customer(mocker);
    raw(mocker, {
      id: 'm1',
      talkerId: 'wxid_alice',
      listenerId: me.id,
      text: 'lost',
      timestamp: Date.parse('2026-11-21T09:29:00Z') / 1_000,
    });
    await until(() => mocker.cacheMessagePayload.size === 1);
    account.time += 60_000;
    account.end();
    await socket.close(session);
    await connect(account);
    expect(account.standings.at(-1)?.detail).toContain('from 2026-11-21T09:29:00.000Z');
  });
});

describe('people of puppets whose ids last for one login', () => {
  const person = (mocker: Mocker, id: string, more: object) =>
    mocker.createContact({
      id,
      name: 'Wang',
      alias: '',
      weixin: '',
      handle: '',
      type: types.Contact.Individual,
      ...more,
    } as never);

  it('are known by WeChat id, then by an alias that is theirs alone, never by nickname; answers reach them in the next login', async () => {
    const account = bench('a');
    const { mocker, me } = await connect(account);
    person(mocker, '@1', { handle: 'wang88' }).say('a').to(me);
    person(mocker, '@2', { alias: '王总' }).say('b').to(me);
    person(mocker, '@3', { alias: '客户' }).say('c').to(me);
    person(mocker, '@4', { alias: '客户' });
    person(mocker, '@5', {}).say('d').to(me);
    await until(() => account.stored.length === 4);
    expect(account.stored.map((event) => 'thread' in event && event.thread)).toEqual([
      'weixin:wang88',
      'alias:王总',
      '@3',
      '@5',
    ]);
    expect(account.stored[1]).toMatchObject({
      sender: { handles: [{ scheme: 'wechaty', scope: 'a', value: 'alias:王总' }] },
    });

    account.end();
    await socket.close(open[0]!.session);
    const next = await connect(account);
    person(next.mocker, '@9', { alias: '王总' });
    person(next.mocker, '@10', { weixin: 'wang88' });
    const to = (thread: string) =>
      channel.send!(unitTo(thread, { type: 'text', text: 'hi' }), account.with(next.session));
    await to('alias:王总');
    await to('weixin:wang88');
    expect(sentTo).toEqual([
      ['@9', 'hi'],
      ['@10', 'hi'],
    ]);
    await expect(to('alias:nobody')).rejects.toMatchObject({ code: 'recipient-gone' });
    person(next.mocker, '@11', { alias: '王总' });
    next.puppet.emit('dirty', { payloadType: types.Payload.Contact, payloadId: '@11' });
    await expect(to('alias:王总')).rejects.toMatchObject({ code: 'recipient-gone' });
    next.puppet.contactList = () => Promise.reject(new Error('reset'));
    account.time += 600_000;
    await expect(to('alias:王总')).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('answers', () => {
  it('reach the customer, and their echo is no message; what the phone sends is one of an agent', async () => {
    const account = bench('a');
    const { mocker, me, session } = await connect(account);
    const alice = customer(mocker);
    const heard: string[] = [];
    hear(alice, (message) => message.talker().id === me.id && heard.push(message.text()));
    const receipt = await channel.send!(unitTo('wxid_alice', { type: 'text', text: '您好' }), account.with(session));
    me.say('您好').to(alice);
    await until(() => account.stored.length === 1);
    expect(heard).toEqual(['您好', '您好']);
    expect(account.stored).toMatchObject([{ from: 'agent', thread: 'wxid_alice', sender: { name: '客服小李' } }]);
    // This puppet gives no id: it is learnt from the echo.
    expect(receipt.externalIds).toHaveLength(1);
    expect((account.stored[0] as { externalIds: string[] }).externalIds).not.toEqual(receipt.externalIds);
  });

  it('carry files', async () => {
    const account = bench('a');
    const { mocker, session } = await connect(account);
    customer(mocker);
    const part = {
      type: 'media',
      kind: 'image',
      fileId: 'fil_1',
      mimeType: 'image/png',
      bytes: 4,
      state: 'ready',
    } as const;
    const { externalIds } = await channel.send!(unitTo('wxid_alice', part), account.with(session));
    expect(mocker.cacheMessagePayload.get(externalIds[0]!)).toMatchObject({ type: types.Message.Image });
    const sent = await FileBox.fromJSON(mocker.cacheFileBoxPayload.get(externalIds[0]!)!).toBuffer();
    expect(sent.toString()).toBe('PNG!');
    expect(account.stored).toEqual([]);
  });

  it('wait where nobody is logged in', async () => {
    const account = bench('a');
    const { session, puppet } = await connect(account);
    await puppet.logout();
    const sending = channel.send!(unitTo('wxid_alice', { type: 'text', text: 'hi' }), account.with(session));
    await expect(sending).rejects.toMatchObject({ code: 'unavailable' });
  });
});

it('keeps two accounts apart', async () => {
  const [a, b] = [bench('a'), bench('b')];
  const [one, two] = [await connect(a, 'wxid_one'), await connect(b, 'wxid_two')];
  const [alice, bob] = [customer(one.mocker, 'seven', 'Alice'), customer(two.mocker, 'seven', 'Bob')];
  const heard: string[] = [];
  hear(alice, (message) => message.talker().id === 'wxid_one' && heard.push(`alice ${message.text()}`));
  hear(bob, (message) => message.talker().id === 'wxid_two' && heard.push(`bob ${message.text()}`));
  alice.say('for a').to(one.me);
  bob.say('for b').to(two.me);
  await Promise.all([
    channel.send!(unitTo('seven', { type: 'text', text: 'from a' }), a.with(one.session)),
    channel.send!(unitTo('seven', { type: 'text', text: 'from b' }), b.with(two.session)),
  ]);
  await until(() => a.stored.length === 1 && b.stored.length === 1);
  expect(heard.sort()).toEqual(['alice from a', 'bob from b']);
  expect([a.stored, b.stored]).toMatchObject([
    [{ sender: { name: 'Alice', handles: [{ scope: 'a' }] } }],
    [{ sender: { name: 'Bob', handles: [{ scope: 'b' }] } }],
  ]);
  await one.puppet.stop();
  await until(() => a.lost !== undefined);
  expect(b.lost).toBeUndefined();
});

it('loads nothing of wechaty before an account is opened', () => {
  const folder = new URL('./', import.meta.url);
  const sources = readdirSync(folder).filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'));
  const eager = sources.flatMap((file) =>
    readFileSync(new URL(file, folder), 'utf8')
      .split('\n')
      .filter((line) => /^import (?!type ).*'(wechaty|file-box|memory-card)/.test(line)),
  );
  expect(sources.length).toBeGreaterThan(5);
  expect(eager).toEqual([]);
});
