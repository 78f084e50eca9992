import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import type { ClientFrame, ServerFrame } from '#channels';
import { WebSocket } from 'ws';
import { setStage, stopEverything, until, type Stage } from '../support/index.js';

jest.setTimeout(120_000);

type Of<T extends ServerFrame['type']> = Extract<ServerFrame, { type: T }>;
const PHONE = '+8613800138000';

/** The far end of a chat socket. */
class Visitor {
  readonly frames: ServerFrame[] = [];

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (data) => this.frames.push(JSON.parse(String(data as Buffer)) as ServerFrame));
    socket.on('error', () => undefined);
  }

  static async enter(url: string, session?: string): Promise<Visitor> {
    const visitor = new Visitor(new WebSocket(`${url.replace('http', 'ws')}/chat`, { origin: url }));
    await new Promise((done) => visitor.socket.once('open', done));
    visitor.send({ type: 'hello', account: 'web', after: 0, session });
    await visitor.got('caught-up');
    return visitor;
  }

  send(frame: ClientFrame): void {
    this.socket.send(JSON.stringify(frame));
  }

  /** Waits for the next frame of a type, and takes it. */
  async got<T extends ServerFrame['type']>(type: T): Promise<Of<T>> {
    const at = await until(`the frame ${type}`, () => {
      const found = this.frames.findIndex((frame) => frame.type === type);
      return found < 0 ? undefined : { found };
    });
    return this.frames.splice(at.found, 1)[0] as Of<T>;
  }

  async say(text: string): Promise<string> {
    this.send({
      type: 'message',
      clientId: `client-${Math.random()}`.replace('.', '-'),
      parts: [{ type: 'text', text }],
    });
    return (await this.got('accepted')).id;
  }

  close(): void {
    this.socket.terminate();
  }
}

let stage: Stage;
const visitors: Visitor[] = [];
beforeAll(async () => {
  const prechat = {
    fields: { name: {}, phone: { required: true }, product: { options: ['Nova'] } },
    verify: 'required',
  };
  stage = await setStage({
    accounts: [{ id: 'web', type: 'webchat', config: { prechat } }],
    settings: { identity: { country: 'CN', codes: { phone: 'app', name: 'Corner Shop' } }, logLevel: 'debug' },
  });
});
afterEach(() => visitors.splice(0).forEach((visitor) => visitor.close()));
afterAll(async () => {
  await stage?.close();
  await stopEverything();
});

const enter = async (session?: string): Promise<Visitor> => {
  const visitor = await Visitor.enter(stage.gateway.url, session);
  visitors.push(visitor);
  return visitor;
};

it('a code goes out by the account, proves the visitor over a kill, and is found nowhere else', async () => {
  const known = await stage.received(
    await stage.write({ id: 'm-1', thread: PHONE, text: 'by phone', phone: PHONE, name: '王芳' }),
  );
  const first = await enter();
  const { session } = await first.got('welcome');
  first.send({ type: 'prechat', answers: { phone: '138 0013 8000', product: 'Nova' } });
  expect((await first.got('prechat')).prechat).toMatchObject({ done: false, verifiable: ['phone'] });
  first.send({ type: 'code', scheme: 'phone' });
  expect((await first.got('code')).state).toBe('sent');
  const post = await until('the code to be sent', () => stage.provider.taken.at(-1));
  expect([post.verified, post.json.thread, post.json.to.handles]).toEqual([
    true,
    PHONE,
    [{ scheme: 'phone', scope: '', value: PHONE }],
  ]);
  const code = /^Corner Shop: your code is (\d{6})\./.exec(post.json.text)![1]!;

  await stage.gateway.restart();
  const second = await enter(session);
  expect((await second.got('welcome')).prechat).toMatchObject({
    answers: { phone: PHONE, product: 'Nova' },
    verified: [],
  });
  second.send({ type: 'confirm', scheme: 'phone', code });
  expect((await second.got('code')).state).toBe('right');
  expect((await second.got('prechat')).prechat.done).toBe(true);

  await stage.gateway.restart();
  const third = await enter(session);
  expect((await third.got('welcome')).prechat).toBeUndefined();
  const event = await stage.received(await third.say('by chat'));
  expect(event.data!.contact).toMatchObject({ id: known.data!.contact!.id, name: '王芳' });
  expect(event.data!.conversation!.metadata).toEqual({ product: 'Nova' });
  expect(third.frames.filter(({ type }) => type === 'message')).toHaveLength(1);
  expect(JSON.stringify(third.frames)).not.toContain('by phone');

  const seen = JSON.stringify([
    await stage.drained(),
    (await stage.gateway.api.get(`/v1/contacts/${known.data!.contact!.id}`)).body,
  ]);
  expect(seen).not.toContain(`code is`);
  expect(seen).not.toContain(`"${code}"`);
  expect(stage.gateway.logs).not.toMatch(new RegExp(`\\b${code}\\b`));
  expect(stage.provider.texts.filter((text) => text.includes(code))).toHaveLength(1);
});

it('a code that cannot be sent is tried again; the helpdesk hears nothing of it, and nobody becomes a contact by it', async () => {
  const before = stage.helpdesk.events.length;
  stage.provider.next(
    ({ json }) => json.thread === '+8613900139000',
    () => ({ status: 503 }),
  );
  const visitor = await enter();
  visitor.send({ type: 'prechat', answers: { phone: '13900139000' } });
  await visitor.got('prechat');
  visitor.send({ type: 'code', scheme: 'phone' });
  await visitor.got('code');
  await until('the second attempt', () => stage.provider.taken.find(({ json }) => json.thread === '+8613900139000'));
  await stage.drained();
  expect(stage.helpdesk.events).toHaveLength(before);
  const { body } = await stage.gateway.api.get<{ items: unknown[] }>('/v1/contacts?handle=phone:%2B8613900139000');
  expect(body.items).toEqual([]);
});
