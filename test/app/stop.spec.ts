import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  expectPromisesKept,
  message,
  newGateway,
  newSecret,
  setStage,
  signed,
  stopEverything,
  type Stage,
} from '../support/index.js';

jest.setTimeout(120_000);

let stage: Stage;

beforeAll(async () => {
  stage = await setStage({ env: { LOG_LEVEL: 'trace' } });
});
beforeEach(async () => {
  if (!stage.gateway.alive) await stage.gateway.start();
});
afterAll(async () => {
  await stage?.close();
  await stopEverything();
});

describe('a stop', () => {
  it('answers what is under way, ends with 0, and loses nothing', async () => {
    const { gateway, helpdesk, provider } = stage;
    const conversation = await stage.conversation({ id: 'before', thread: 'room' });
    const delivery = helpdesk.hold(({ json }) => json.data?.message?.text === 'held');
    await stage.write({ id: 'held', thread: 'room', text: 'held' });
    const sending = provider.hold();
    await stage.reply(conversation, 'held by the provider');
    const held = await Promise.all([delivery, sending]);
    const poll = gateway.api.get('/v1/events?wait=30&types=account.degraded').then(
      ({ status }) => status,
      () => 'cut',
    );
    const idle = fetch(`${gateway.url}/health/live`);
    const burst = Array.from({ length: 200 }, (_, n) =>
      stage.write({ id: `burst-${n}`, thread: `burst-${n % 20}` }).then(
        () => 'taken',
        () => 'not taken',
      ),
    );
    await Promise.race(burst);
    const stopping = gateway.stop();
    setTimeout(() => held.forEach(({ release }) => release()), 300);
    const { code, signal, output } = await stopping;
    expect([code, signal]).toEqual([0, null]);
    await expect(readFile(join(gateway.dataDir, 'database.lock'))).rejects.toThrow('ENOENT');
    expect(output).not.toMatch(/took too long|went wrong|nobody listened/);
    await idle;
    expect([200, 503, 'cut']).toContain(await poll);
    const taken = (await Promise.all(burst)).filter((outcome) => outcome === 'taken').length;
    expect(stage.acknowledged.size).toBe(taken + 2);
    expect(taken).toBeGreaterThan(0);

    await gateway.start();
    for (let n = 0; n < 200; n += 1) await stage.write({ id: `burst-${n}`, thread: `burst-${n % 20}` });
    await expectPromisesKept(stage);
    expect(provider.texts).toEqual(['held by the provider']);
    expect(
      helpdesk.requests.filter(({ json }) => json.data?.message?.text === 'held' && json.type === 'message.received'),
    ).toHaveLength(1);
  });
});

describe('the data folder', () => {
  it('is given to one process: a second one is refused, and told which holds it', async () => {
    const { gateway } = stage;
    const second = await newGateway({ dataDir: gateway.dataDir });
    const { code, output } = await second.startAndEnd();
    expect(code).toBe(1);
    expect(output).toContain(`in use by process ${gateway.pid}`);
    expect(output).toContain(gateway.dataDir);
    await stage.write({ id: 'still', thread: 'room' });
    await expectPromisesKept(stage);
  });

  it('is taken over from a process that died with it', async () => {
    const { gateway } = stage;
    const lock = join(gateway.dataDir, 'database.lock');
    await gateway.kill9();
    const left = await readFile(lock, 'utf8');
    expect(JSON.parse(left)).toMatchObject({ pid: gateway.pid });
    await gateway.start();
    expect(JSON.parse(await readFile(lock, 'utf8'))).toMatchObject({ pid: gateway.pid });
    await expectPromisesKept(stage);
  });
});

describe('settings', () => {
  const account = (config: string) => `accounts:\n  - id: app\n    type: http\n    config: ${config}\n`;

  it.each([
    ['no YAML', 'accounts:\n  - { id: web\n', ['tributary.yaml']],
    ['a wrong type', '# first line\nlogLevel: loud\n', [':2', 'logLevel', 'debug']],
    [
      'an unknown channel',
      'accounts:\n  - id: x\n    type: pigeon\n',
      [':3', 'accounts[0].type', 'known: email, http, '],
    ],
    ['a URL that is none', account('{ secret: "s", url: "nowhere" }'), [':4', 'url']],
    [
      'an unset variable',
      account('{ secret: "${NO_SUCH_VARIABLE}", url: "http://x.example" }'),
      [':4', 'NO_SUCH_VARIABLE'],
    ],
    ['an unknown connector', 'destinations:\n  - id: d\n    type: paper\n', [':3', 'destinations[0].type', 'webhook']],
  ])('stop the start with file, line, key and what is expected: %s', async (_what, config, expected) => {
    const { code, output } = await (await newGateway({ config, dataDir: '/nonexistent/never-made' })).startAndEnd();
    expect(code).toBe(1);
    for (const part of ['tributary.yaml', ...expected]) expect(output).toContain(part);
    expect(output).not.toMatch(/\n\s+at .*\.js:\d+/);
  });

  it.each([
    ['PORT', 'http'],
    ['TRIBUTARY_ADMIN_KEY', 'short'],
  ])('stop the start where the environment is wrong: %s', async (name, value) => {
    const gateway = await newGateway({ env: { [name]: value }, dataDir: '/nonexistent/never-made' });
    const { code, output } = await gateway.startAndEnd();
    expect([code, output]).toEqual([1, expect.stringContaining(name)]);
    if (name === 'TRIBUTARY_ADMIN_KEY') expect(output).not.toContain(value);
  });
});

describe('the log', () => {
  it('shows no secret, no text and no handle at any level, whatever goes wrong', async () => {
    const { gateway, helpdesk, provider, poster, secrets } = stage;
    const canary = {
      text: 'canary-text-4711',
      name: 'Canary Name-4711',
      phone: '+8613912345678',
      reply: 'canary-reply-4711',
      echo: 'canary-echo-4711',
      key: 'canary-key-4711',
    };
    const writing = { id: 'c-1', thread: 'room', text: canary.text, name: canary.name, phone: canary.phone };
    const refusals = [
      { status: 503, headers: { 'retry-after': '0' }, body: { error: `${canary.echo} ${canary.text}` } },
      { status: 400, headers: { 'retry-after': '0' }, body: canary.echo },
      'garbage',
    ] as const;
    for (const answer of refusals)
      helpdesk.next(
        () => true,
        () => answer,
      );
    provider.next(
      () => true,
      ({ raw }) => ({ status: 503, headers: { 'retry-after': '0' }, body: raw.toString() }),
    );
    provider.next(
      () => true,
      ({ raw }) => ({ status: 422, body: raw.toString() }),
    );

    const conversation = await stage.conversation(writing);
    const failed = await stage.reply(conversation, canary.reply);
    await stage.settled(failed.id, 'failed');
    const body = JSON.stringify(message(writing));
    const attempts = [
      poster.raw(body, { 'content-type': 'application/json' }),
      poster.raw(body, signed(body, { secret: newSecret() })),
      poster.post(`{"type":"message","text":"${canary.text}"`),
      poster.post({
        ...message({ ...writing, id: 'c-2' }),
        sender: { handles: [{ scheme: 'phone', value: canary.text }] },
      }),
      poster.post({ ...message({ ...writing, id: 'c-3' }), occurredAt: canary.text }),
    ];
    await Promise.all(attempts);
    await gateway.api.get(`/v1/contacts?handle=phone:${encodeURIComponent(canary.phone)}`);
    await gateway.api.get('/v1/conversations', { key: canary.key });
    await gateway.api.post(`/v1/conversations/${conversation}/messages`, { text: canary.text, nonsense: canary.echo });
    await gateway.api.post(`/v1/conversations/${conversation}/messages`, `{"text": "${canary.text}`);
    await gateway.api.post('/v1/destinations', {
      type: 'webhook',
      config: { url: 'http://127.0.0.1:9/x', secret: canary.key },
    });
    await gateway.api.post('/v1/keys', { name: 'reader', scopes: ['events:read'] });
    await stage.drained();
    expect((await gateway.stop()).code).toBe(0);

    expect(gateway.logs.split('\n').filter((line) => line.startsWith('{')).length).toBeGreaterThan(10);
    const secretsOfRun = [secrets.app, secrets.desk, gateway.adminKey, gateway.secretKey].flatMap((secret) => [
      secret,
      secret.replace('whsec_', ''),
    ]);
    const shown = [...Object.values(canary), canary.phone.slice(1), ...secretsOfRun].filter((text) =>
      gateway.logs.includes(text),
    );
    expect(shown).toEqual([]);
  });
});
