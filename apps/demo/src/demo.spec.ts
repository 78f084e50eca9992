import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadSettings } from '#config';
import { temporaryEmbedded } from '#database/testing';
import type { ServerFrame } from '#channels';
import { Webhook } from 'standardwebhooks';
import { WebSocket } from 'ws';
import { configSchemas } from '../../gateway/src/engine.js';
import { Blotter, openLog } from '../../gateway/src/ops/log.js';
import { startGateway, type Gateway } from '../../gateway/src/start.js';
import type { Received } from './desk.js';

let folder: string;
let dataDir: string;
let gateway: Gateway;
let url: string;

async function start(port = 0): Promise<void> {
  const env = {
    TRIBUTARY_CONFIG: join(folder, 'tributary.yaml'),
    DATA_DIR: dataDir,
    PORT: String(port),
    LOG_LEVEL: 'fatal',
  };
  const blotter = new Blotter();
  const settings = loadSettings({ env, ...configSchemas });
  gateway = await startGateway({ settings, log: openLog(settings.logLevel, blotter), blotter });
  url = gateway.settings.publicUrl;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'demo-'));
  ({ dataDir } = (await temporaryEmbedded().place()) as { dataDir: string });
  await mkdir(dataDir, { recursive: true });
  await writeFile(
    join(folder, 'tributary.yaml'),
    `demo: true\nnetwork: { allow: ['127.0.0.1/32'] }\naccounts:\n  - { id: web, type: webchat }\n`,
  );
  await start();
  while (!gateway.engine.directory.destination('demo-helpdesk')) await new Promise((next) => setTimeout(next, 20));
});
afterAll(async () => {
  await gateway.close();
  await rm(folder, { recursive: true, force: true });
  await rm(dataDir, { recursive: true, force: true });
});

/** Reads the page's event stream until a test holds. */
async function stream(done: (events: Received[]) => boolean): Promise<Received[]> {
  const abort = new AbortController();
  const answer = await fetch(`${url}/demo/helpdesk/stream`, { signal: abort.signal });
  const events: Received[] = [];
  let text = '';
  for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    const blocks = text.split('\n\n');
    text = blocks.pop()!;
    for (const block of blocks) {
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (data) events.push(JSON.parse(data) as Received);
    }
    if (done(events)) break;
  }
  abort.abort();
  return events;
}

class Visitor {
  readonly frames: ServerFrame[] = [];
  private readonly ws: WebSocket;
  constructor(session?: string) {
    this.ws = new WebSocket(`${url.replace('http', 'ws')}/chat`, { origin: url });
    this.ws.on('open', () => this.send({ type: 'hello', account: 'web', after: 0, ...(session && { session }) }));
    this.ws.on('message', (data) => this.frames.push(JSON.parse(String(data as Buffer)) as ServerFrame));
    this.ws.on('error', () => undefined);
  }
  send(frame: object): void {
    this.ws.send(JSON.stringify(frame));
  }
  async until<T extends ServerFrame['type']>(
    type: T,
    test: (frame: Extract<ServerFrame, { type: T }>) => boolean = () => true,
  ) {
    for (;;) {
      const found = this.frames.find(
        (frame): frame is Extract<ServerFrame, { type: T }> => frame.type === type && test(frame as never),
      );
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  close(): void {
    this.ws.terminate();
  }
}

const post = (path: string, body: unknown, method = 'POST') =>
  fetch(`${url}/demo/helpdesk${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

describe('the demo', () => {
  let session: string;
  let conversationId: string;

  it('carries a conversation all the way: typed, seen as a signed event, answered, delivered and read', async () => {
    const visitor = new Visitor();
    ({ session } = await visitor.until('welcome'));
    visitor.send({ type: 'message', clientId: 'demo-message-1', parts: [{ type: 'text', text: '报表导不出来' }] });
    const isSigned = ({ event, verified }: Received) => event.type === 'message.received' && verified;
    const received = (await stream((held) => held.some(isSigned))).find(isSigned)!;
    expect(received).toMatchObject({
      replay: false,
      event: { data: { message: { text: '报表导不出来' } } },
    });
    conversationId = received.event.data!.conversation!.id;
    expect((await post(`/conversations/${conversationId}/typing`, {})).status).toBe(204);
    await visitor.until('typing', ({ on }) => on);
    const answer = () =>
      fetch(`${url}/demo/helpdesk/conversations/${conversationId}/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': 'answered-twice' },
        body: JSON.stringify({ text: '请稍等' }),
      });
    expect([(await answer()).status, (await answer()).status]).toEqual([202, 202]);
    const { seq } = await visitor.until('message', ({ text }) => text === '请稍等');
    visitor.send({ type: 'ack', delivered: seq, read: seq });
    const types = (held: Received[]) => held.map(({ event }) => event.type);
    expect(types(await stream((held) => types(held).includes('message.read')))).toEqual(
      expect.arrayContaining([
        'conversation.opened',
        'message.received',
        'message.queued',
        'message.sent',
        'message.delivered',
        'message.read',
      ]),
    );
    await visitor.until('status', ({ status }) => status === 'read');
    visitor.close();
  });

  it('carries pictures both ways', async () => {
    const visitor = new Visitor(session);
    await visitor.until('caught-up');
    const picture = Buffer.from(
      '47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b',
      'hex',
    );
    const form = () => {
      const data = new FormData();
      data.append('file', new Blob([picture], { type: 'text/html' }), '截图.gif');
      return data;
    };
    const uploaded = await fetch(`${url}/chat/files?account=web`, {
      method: 'POST',
      body: form(),
      headers: { authorization: `Bearer ${session}`, origin: url },
    });
    expect(uploaded.status).toBe(201);
    const file = (await uploaded.json()) as { id: string; url: string };
    expect(file).toMatchObject({
      mimeType: 'image/gif',
      kind: 'image',
      name: '截图.gif',
      width: 1,
      height: 1,
      bytes: picture.length,
    });
    visitor.send({
      type: 'message',
      clientId: 'demo-picture-1',
      parts: [{ type: 'media', kind: 'image', fileId: file.id, name: 'forged.exe' }],
    });
    const events = await stream((held) => held.some(({ event }) => event.data?.message?.parts[0]?.type === 'media'));
    const part = events.flatMap(({ event }) => event.data?.message?.parts ?? []).find(({ type }) => type === 'media')!;
    expect(part).toMatchObject({ kind: 'image', mimeType: 'image/gif', name: '截图.gif', state: 'ready' });
    expect(Buffer.from(await (await fetch((part as { url: string }).url)).arrayBuffer())).toEqual(picture);

    const stored = (await (await fetch(`${url}/demo/helpdesk/files`, { method: 'POST', body: form() })).json()) as {
      id: string;
    };
    const sent = await post(`/conversations/${conversationId}/messages`, {
      parts: [{ type: 'media', kind: 'image', fileId: stored.id }],
    });
    expect(sent.status).toBe(202);
    const shown = await visitor.until('message', ({ from, parts }) => from === 'agent' && parts[0]?.type === 'media');
    expect((await fetch((shown.parts[0] as { url: string }).url)).headers.get('content-type')).toBe('image/gif');
    visitor.close();
  });

  it('refuses uploads without a session, of strangers\u2019 pages, and sends preflights away well informed', async () => {
    const ask = (headers: Record<string, string>, method = 'POST') =>
      fetch(`${url}/chat/files?account=web`, { method, headers });
    expect((await ask({ origin: url })).status).toBe(401);
    expect((await ask({ origin: url, authorization: `Bearer ${session}x` })).status).toBe(401);
    const stranger = await ask({ origin: 'https://evil.example', authorization: `Bearer ${session}` });
    expect([stranger.status, stranger.headers.get('access-control-allow-origin')]).toEqual([403, null]);
    expect((await ask({ origin: url, authorization: `Bearer ${session}`, 'content-type': 'text/plain' })).status).toBe(
      415,
    );
    const preflight = await ask({ origin: url, 'access-control-request-method': 'POST' }, 'OPTIONS');
    expect([preflight.status, preflight.headers.get('access-control-allow-headers')]).toEqual([
      204,
      'authorization, content-type',
    ]);
    expect((await fetch(`${url}/chat/files?account=none`, { method: 'POST' })).status).toBe(404);
  });

  it('takes nothing that is not signed by the gateway', async () => {
    const body = JSON.stringify({
      id: 'evt_forged',
      type: 'message.received',
      timestamp: new Date().toISOString(),
      sequence: 1,
      data: {},
    });
    const forged = new Webhook(`whsec_${Buffer.alloc(32).toString('base64')}`).sign('evt_forged', new Date(), body);
    const headers = {
      'content-type': 'application/json',
      'webhook-id': 'evt_forged',
      'webhook-timestamp': `${Math.floor(Date.now() / 1_000)}`,
      'webhook-signature': forged,
    };
    for (const given of [headers, { 'content-type': 'application/json' }]) {
      expect((await fetch(`${url}/demo/helpdesk/webhook`, { method: 'POST', headers: given, body })).status).toBe(401);
    }
    expect((await stream((held) => held.length > 3)).some(({ event }) => event.id === 'evt_forged')).toBe(false);
  });

  it('keeps its reference at the conversation, and closes it', async () => {
    const closed = await post(`/conversations/${conversationId}`, { status: 'closed' }, 'PATCH');
    const conversation = (await closed.json()) as { status: string; references: object[] };
    expect(conversation).toMatchObject({
      status: 'closed',
      references: [{ destinationId: 'demo-helpdesk', ticketId: expect.stringMatching(/^DEMO-/) as unknown }],
    });
  });

  it('knows everything again after a restart, and so does the visitor', async () => {
    const before = (await (await fetch(`${url}/demo/helpdesk/conversations`)).json()) as {
      items: { messages: { id: string }[] }[];
    };
    await gateway.close();
    await start(gateway.settings.port);
    const ids = ({ items }: typeof before) => items.map(({ messages }) => messages.map(({ id }) => id));
    const told = (held: Received[]) => new Set(held.map(({ event }) => event.data?.message?.id));
    const known = await stream((held) =>
      ids(before)
        .flat()
        .every((id) => told(held).has(id)),
    );
    expect(known.find(({ event }) => event.type === 'conversation.opened')).toMatchObject({ verified: false });
    const after = (await (await fetch(`${url}/demo/helpdesk/conversations`)).json()) as typeof before;
    expect(ids(after)).toEqual(ids(before));
    const visitor = new Visitor(session);
    await visitor.until('caught-up');
    expect(visitor.frames.filter((f) => f.type === 'message').map((f) => f.type === 'message' && f.seq)).toEqual([
      1, 2, 3, 4,
    ]);
    visitor.send({ type: 'message', clientId: 'after-restart', parts: [{ type: 'text', text: 'again' }] });
    await stream((held) =>
      held.some(({ event }) => event.type === 'message.received' && event.data?.message?.text === 'again'),
    );
    visitor.close();
  });
});
