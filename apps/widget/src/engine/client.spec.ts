import { describe, expect, it } from '@jest/globals';
import { FakePlatform, message, welcome } from '../../testing/fake-platform.js';
import { memoryStorage } from './browser.js';
import { ChatClient } from './client.js';
import { CLOSE } from './wire.js';

const OPTIONS = { base: 'https://chat.example', account: 'web' };

function setUp(storage = memoryStorage()) {
  const platform = new FakePlatform(storage);
  const client = new ChatClient(OPTIONS, platform);
  client.start();
  return { platform, client, storage };
}

/** A client that has been welcomed and is caught up. */
function live(storage = memoryStorage(), patch: Parameters<typeof welcome>[0] = {}) {
  const world = setUp(storage);
  world.client.connect();
  world.platform.socket.open();
  world.platform.socket.say(welcome(patch), { type: 'caught-up', last: 0 });
  return world;
}

const text = (words: string) => [{ type: 'text' as const, text: words }];

describe('connecting', () => {
  it('stays away from the gateway until somebody needs it', () => {
    const { platform, client } = setUp();
    expect(platform.sockets).toHaveLength(0);
    client.connect();
    expect(platform.socket.url).toBe('wss://chat.example/chat');
    platform.socket.open();
    expect(platform.socket.sent).toEqual([{ type: 'hello', account: 'web', after: 0 }]);
  });

  it('resumes an earlier session at once, with a window before the cursor', () => {
    const { storage, platform } = live();
    platform.socket.say(message(500));
    const next = setUp(storage);
    next.platform.socket.open();
    expect(next.platform.socket.of('hello')[0]).toMatchObject({ session: 's1', after: 300 });
    expect(next.client.store.state.earlier).toBe(true);
    next.client.showEarlier();
    next.platform.socket.open();
    expect(next.platform.socket.of('hello')[0]).toMatchObject({ after: 100 });
  });

  it('waits as long as the gateway asked for, then longer and longer', () => {
    const { platform } = live();
    platform.socket.drop(CLOSE.restarting);
    platform.pass(199);
    expect(platform.sockets).toHaveLength(1);
    platform.pass(1);
    expect(platform.sockets).toHaveLength(2);
    const waits = [2, 3, 4].map((sockets) => {
      const before = platform.time;
      platform.socket.drop();
      while (platform.sockets.length === sockets) platform.pass(1);
      return platform.time - before;
    });
    expect(waits).toEqual([750, 1_500, 3_000]);
  });

  it('takes a silent socket for dead when a ping stays unanswered', () => {
    const { platform, client } = live();
    const { socket } = platform;
    platform.pass(25_000);
    expect(socket.of('ping')).toHaveLength(1);
    platform.pass(10_000);
    expect(socket.closed).toBe(true);
    expect(client.store.state.phase).toBe('offline');
    platform.pass(1_000);
    expect(platform.sockets).toHaveLength(2);
  });

  it('gives up where the gateway does not serve the page', () => {
    const { platform, client } = setUp();
    client.connect();
    platform.socket.open();
    platform.socket.say({ type: 'error', code: 'origin-refused', detail: '' });
    platform.pass(100_000);
    client.send(text('hello'));
    expect(platform.sockets).toHaveLength(1);
    expect(client.store.state.phase).toBe('refused');
  });

  it('does not fight another socket that has replaced it, until the page is looked at', () => {
    const { platform, client } = live();
    platform.socket.drop(CLOSE.replaced);
    platform.pass(100_000);
    expect(platform.sockets).toHaveLength(1);
    client.connect();
    expect(platform.sockets).toHaveLength(2);
  });
});

describe('messages', () => {
  it('keeps each seq once and in order, however they come, and never lowers a status', () => {
    const { platform, client } = live();
    platform.socket.say(
      message(2),
      message(1, { status: 'read' }),
      message(2),
      message(1, { status: 'sent' }),
      message(3),
    );
    platform.socket.say({ type: 'status', id: 'msg_2', seq: 2, status: 'read' });
    platform.socket.say({ type: 'status', id: 'msg_2', seq: 2, status: 'delivered' });
    expect(client.store.state.messages.map((m) => [m.seq, m.status])).toEqual([
      [1, 'read'],
      [2, 'read'],
      [3, 'sent'],
    ]);
  });

  it('asks again for the last ones after a loss, so that nothing slips through behind the cursor', () => {
    const { platform } = live();
    platform.socket.say(message(80));
    platform.socket.drop();
    platform.pass(1_000);
    platform.socket.open();
    expect(platform.socket.of('hello')[0]?.after).toBe(30);
  });

  it('tells listeners of what is new, not of history', () => {
    const { platform, client } = setUp();
    const heard: number[] = [];
    client.onMessage((m) => heard.push(m.seq));
    client.connect();
    platform.socket.open();
    platform.socket.say(welcome(), message(1), { type: 'caught-up', last: 1 }, message(2), message(2));
    expect(heard).toEqual([2]);
  });

  it('acknowledges arrival at once, and reading only while watched; again on a new socket if the gateway did not hear', () => {
    const { platform, client } = live();
    platform.socket.say(message(1, { from: 'agent' }));
    expect(platform.socket.of('ack')).toEqual([{ type: 'ack', delivered: 1 }]);
    expect(client.unread).toBe(1);
    client.watched(true);
    expect(platform.socket.of('ack')[1]).toEqual({ type: 'ack', read: 1 });
    expect(client.unread).toBe(0);
    platform.socket.drop();
    platform.pass(1_000);
    client.watched(false);
    platform.socket.open();
    platform.socket.say(welcome({ fresh: false, unread: 1 }), { type: 'caught-up', last: 1 });
    expect(platform.socket.of('ack')).toEqual([{ type: 'ack', delivered: 1, read: 1 }]);
    expect(client.unread).toBe(0);
  });
});

describe('the outbox', () => {
  it('repeats a message under the same clientId until it is accepted, and shows it once', () => {
    const { platform, client, storage } = live();
    client.send(text('hello'));
    const [first] = platform.socket.of('message');
    platform.socket.drop();
    expect(client.store.state.outgoing[0]?.state).toBe('queued');
    platform.pass(1_000);
    platform.socket.open();
    platform.socket.say(welcome({ fresh: false }), { type: 'caught-up', last: 0 });
    expect(platform.socket.of('message')).toEqual([first]);
    const { clientId } = first!;
    const accepted = { type: 'accepted', clientId, id: 'msg_1', seq: 1, at: '2026-11-21T09:30:00.000Z' } as const;
    platform.socket.say(accepted, accepted, message(1, { clientId }));
    expect(client.store.state.messages.map((m) => m.clientId)).toEqual([clientId]);
    expect(client.store.state.outgoing).toEqual([]);
    expect(storage.keys().filter((key) => key.includes('out:'))).toEqual([]);
  });

  it('does not repeat what the history shows to be stored', () => {
    const { client, storage, platform } = live();
    client.send(text('hello'));
    const { clientId } = platform.socket.of('message')[0]!;
    const next = setUp(storage);
    next.platform.socket.open();
    next.platform.socket.say(welcome({ fresh: false }), message(1, { clientId }), { type: 'caught-up', last: 1 });
    expect(next.platform.socket.of('message')).toEqual([]);
    expect(next.client.store.state.messages).toHaveLength(1);
  });

  it('sends in order what waited, and holds all back while the gateway asks for patience', () => {
    const { platform, client } = live();
    client.send(text('one'));
    const { clientId } = platform.socket.of('message')[0]!;
    const patience = { code: 'rate-limited', detail: '', retryAfterMs: 5_000 } as const;
    platform.socket.say({ type: 'refused', clientId, ...patience });
    client.send(text('two'));
    expect(platform.socket.of('message')).toHaveLength(1);
    platform.pass(5_000);
    expect(platform.socket.of('message').map((m) => m.parts)).toEqual([text('one'), text('one'), text('two')]);
  });

  it('keeps why a message was refused, also over a reload', () => {
    const { platform, client, storage } = live();
    client.send(text('one'));
    const { clientId } = platform.socket.of('message')[0]!;
    const problem = { code: 'content-refused', detail: 'the message is empty' } as const;
    platform.socket.say({ type: 'refused', clientId, ...problem });
    expect(client.store.state.outgoing).toMatchObject([{ state: 'failed', problem }]);
    expect(live(storage, { fresh: false }).client.store.state.outgoing).toMatchObject([{ state: 'failed', problem }]);
  });

  it('has only so many under way at once, and goes on as they are accepted', () => {
    const { platform, client } = live();
    for (let n = 0; n < 40; n++) client.send(text(`${n}`));
    expect(platform.socket.of('message')).toHaveLength(16);
    for (let n = 0; n < 40; n++) {
      const { clientId } = platform.socket.of('message')[n]!;
      platform.socket.say({ type: 'accepted', clientId, id: `msg_${n}`, seq: n + 1, at: '2026-11-21T09:30:00.000Z' });
    }
    expect(client.store.state.messages.map((m) => m.text)).toEqual(Array.from({ length: 40 }, (_, n) => `${n}`));
  });

  it('does not repeat for ever what makes the gateway hang up', () => {
    const { platform, client } = live();
    client.send(text('poison'));
    platform.socket.drop(CLOSE.protocol);
    platform.pass(1_000);
    platform.socket.open();
    platform.socket.say(welcome({ fresh: false }), { type: 'caught-up', last: 0 });
    expect(platform.socket.of('message')).toEqual([]);
    expect(client.store.state.outgoing[0]?.state).toBe('failed');
  });

  it('uploads a file first, anew where the network failed, and sends it with its text', async () => {
    const { platform, client } = live();
    client.send(text('look'), [{ file: new File(['x'], 'x.txt', { type: 'text/plain' }), preview: null }]);
    await Promise.resolve().then(() => undefined);
    expect(platform.uploads).toHaveLength(1);
    const uploaded = {
      id: 'fil_1',
      url: '/files/fil_1',
      mimeType: 'text/plain',
      bytes: 1,
      name: 'x.txt',
      kind: 'file',
    } as const;
    platform.uploadAnswer = () => Promise.resolve(uploaded);
    platform.pass(3_000);
    await new Promise((done) => setImmediate(done));
    expect(platform.uploads[1]).toMatchObject({ account: 'web', session: 's1' });
    expect(platform.socket.of('message')[0]?.parts).toMatchObject([
      { type: 'media', fileId: 'fil_1' },
      { text: 'look' },
    ]);
  });
});

describe('the form before the first message', () => {
  const prechat = {
    fields: [{ name: 'email' as const, required: true }],
    ...{ verify: 'optional' as const, verifiable: ['email' as const], verified: [], answers: {}, done: false },
  };
  const filled = { ...prechat, answers: { email: 'a@example.com' } };

  it('holds back what is written until it is done, and asks for a code of what was answered', () => {
    const { platform, client } = live(undefined, { prechat });
    client.send(text('early'));
    expect(platform.socket.of('message')).toEqual([]);
    client.prechat.fill({ email: 'a' });
    platform.socket.say({
      type: 'prechat',
      prechat: { ...prechat, faults: [{ field: 'email', fault: 'invalid' }] },
    });
    expect(client.store.state.form).toMatchObject({ scheme: null, faults: [{ field: 'email' }] });
    client.prechat.fill({ email: 'a@example.com' });
    platform.socket.say({ type: 'prechat', prechat: { ...filled, done: true } });
    expect(platform.socket.of('code')).toEqual([{ type: 'code', scheme: 'email' }]);
    platform.socket.say({ type: 'code', scheme: 'email', state: 'sent' });
    client.prechat.confirm('000000');
    platform.socket.say({ type: 'code', scheme: 'email', state: 'wrong' });
    expect(client.store.state.form).toMatchObject({ scheme: 'email', said: 'wrong' });
    client.prechat.confirm('123456');
    platform.socket.say({ type: 'code', scheme: 'email', state: 'right' });
    platform.socket.say({ type: 'prechat', prechat: { ...filled, verified: ['email'], done: true } });
    expect(client.store.state.form).toBeNull();
    expect(platform.socket.of('message').map(({ parts }) => parts)).toEqual([text('early')]);
  });

  it('goes on where a reload left it, without another code', () => {
    const { platform, client } = live(undefined, { prechat: { ...filled, verify: 'required' } });
    expect(client.store.state.form).toMatchObject({ scheme: 'email' });
    expect(platform.socket.of('code')).toEqual([]);
  });

  it('gives way to a conversation that has begun in another tab', () => {
    const { platform, client } = live(undefined, { prechat });
    platform.socket.say(message(1));
    expect(client.store.state.form).toBeNull();
  });

  it('comes up when the gateway wants it by now, and what was refused is sent behind it', () => {
    const { platform, client } = live();
    client.send(text('early'));
    const { clientId } = platform.socket.of('message')[0]!;
    platform.socket.say({ type: 'refused', clientId, code: 'prechat-required', detail: '' });
    platform.socket.open();
    platform.socket.say(welcome({ fresh: false, prechat }), { type: 'caught-up', last: 0 });
    platform.pass(10_000);
    expect(platform.socket.of('message')).toEqual([]);
    platform.socket.say({ type: 'prechat', prechat: { ...filled, verify: 'off', verifiable: [], done: true } });
    expect(platform.socket.of('message')).toMatchObject([{ clientId }]);
  });
});

describe('who the visitor is', () => {
  const ada = { id: 'ada', name: 'Ada' };

  it('shows and sends nothing while an identity is being settled', () => {
    const { platform, client } = live(undefined, { threadId: 'thr_1' });
    platform.socket.say(message(1));
    client.identify('token');
    client.send(text('whose?'));
    expect(client.store.state.identifying).toBe(true);
    expect(platform.socket.of('message')).toEqual([]);
    const heard: number[] = [];
    client.onMessage((m) => heard.push(m.seq));
    platform.socket.say(welcome({ fresh: false, threadId: 'thr_1', user: ada }), message(1), {
      type: 'caught-up',
      last: 1,
    });
    expect(heard).toEqual([]);
    expect(platform.socket.of('message')).toHaveLength(1);
    expect(client.store.state.messages).toHaveLength(1);
  });

  it('forgets everything when the token turns out to be another person’s', () => {
    const { platform, client, storage } = live(undefined, { threadId: 'thr_1', user: ada });
    platform.socket.say(message(1));
    client.send(text('by Ada'));
    client.identify('token of Bob');
    const before = platform.socket.of('message').length;
    const bob = { session: 's2', fresh: true, threadId: 'thr_2', user: { id: 'bob', name: null } };
    platform.socket.say(welcome(bob), { type: 'caught-up', last: 0 });
    expect(client.store.state).toMatchObject({ messages: [], outgoing: [] });
    expect(platform.socket.of('message')).toHaveLength(before);
    expect(storage.keys().filter((key) => key.includes('out:'))).toEqual([]);
  });

  it('keeps what was written on this page when only the session had run out, but not what an earlier page left', () => {
    const { client, storage } = live();
    client.networkLost();
    client.send(text('left behind'));
    const next = setUp(storage);
    next.client.send(text('written now'));
    next.platform.socket.open();
    next.platform.socket.say(welcome({ session: 's9', fresh: true }), { type: 'caught-up', last: 0 });
    expect(next.platform.socket.of('message').map((m) => m.parts)).toEqual([text('written now')]);
  });

  it('asks again when the gateway wants patience with a token', () => {
    const { platform, client } = live();
    client.identify('token');
    platform.socket.say({ type: 'error', code: 'rate-limited', detail: '', retryAfterMs: 4_000 });
    platform.pass(4_000);
    expect(platform.socket.of('identify')).toHaveLength(2);
  });

  it('does not go on under an identified session when the new token is not valid', () => {
    const { platform, client, storage } = live(undefined, { threadId: 'thr_1', user: ada });
    platform.socket.say(message(1));
    client.identify('forged');
    platform.socket.say({ type: 'error', code: 'identity-invalid', detail: 'signature' });
    expect(client.store.state.messages).toEqual([]);
    expect(storage.get('tributary:chat.example:web:session')).toBeNull();
    platform.socket.open();
    expect(platform.socket.of('hello')[0]?.session).toBeUndefined();
  });

  it('follows another tab to its visitor, but not over a mere renewal of the session', () => {
    const { platform, client, storage } = live();
    platform.socket.say(message(1));
    const key = 'tributary:chat.example:web:session';
    const mine = JSON.parse(storage.get(key)!) as { token: string; visit: string };
    storage.set(key, JSON.stringify({ ...mine, token: 'renewed' }));
    platform.otherTabWrote(key);
    expect(client.store.state.messages).toHaveLength(1);
    storage.set(key, JSON.stringify({ token: 'other', visit: 'other' }));
    platform.otherTabWrote(key);
    platform.socket.open();
    expect(client.store.state.messages).toEqual([]);
    expect(platform.socket.of('hello')[0]?.session).toBe('other');
  });

  it('leaves no trace after shutdown', () => {
    const { platform, client, storage } = live();
    platform.socket.say(message(1, { from: 'agent' }));
    client.send(text('bye'));
    client.shutdown();
    expect(storage.keys()).toEqual([]);
    expect(client.store.state).toMatchObject({ phase: 'idle', messages: [], outgoing: [] });
  });
});

describe('typing', () => {
  it('is told every 3 s at most, and that it is over', () => {
    const { platform, client } = live();
    for (const wait of [0, 1_000, 1_000, 1_000]) {
      platform.pass(wait);
      client.typed('abc');
    }
    platform.pass(6_000);
    client.typed('');
    expect(platform.socket.of('typing').map((t) => t.on)).toEqual([true, true, false]);
  });

  it('of the other side is shown until it is over, a message comes, or 6 s have passed', () => {
    const { platform, client } = live();
    const typing = { type: 'typing', on: true, name: 'Mia' } as const;
    platform.socket.say(typing);
    expect(client.store.state.typing).toEqual({ name: 'Mia' });
    platform.pass(5_999);
    expect(client.store.state.typing).not.toBeNull();
    platform.pass(1);
    expect(client.store.state.typing).toBeNull();
    platform.socket.say(typing, message(1, { from: 'agent' }));
    expect(client.store.state.typing).toBeNull();
  });
});
