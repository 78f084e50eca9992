import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { builtinAdapters } from '#channels';
import { mutated, random, rawRequest, sealed, xmlOf, type Seal } from '#channels/testing';
import { Intake } from '#conversations';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { hostileBodies, isPolluted } from '#transport/testing';
import { fastify, type FastifyInstance } from 'fastify';
import pino from 'pino';
import { Pool } from 'undici';
import { STORE } from '../api/testing/store.js';
import type { Directory } from '../directory/index.js';
import { BodyRoom } from '../ops/body-room.js';
import { Metrics } from '../ops/metrics.js';
import { Arrivals } from './arrivals.js';
import { routeEndpoint } from './endpoint-routes.js';
import { FailureGate } from './failure-gate.js';
import { Webhooks } from './webhooks.js';

/** How many bodies, on each database: `WECHAT_FUZZ=1000000` for the long run. `WECHAT_FUZZ_SEED` repeats one. */
const BODIES = Number(process.env['WECHAT_FUZZ'] ?? 3_000);
const SEED = Number(process.env['WECHAT_FUZZ_SEED'] ?? 42);
/** Bodies under way at a time. */
const SENDERS = 16;
/** One body in so many is larger than what is read. */
const OVERSIZE = 500;
const MAX_BYTES = 65_536;

const secrets = { appSecret: 'f0e1d2c3b4a5968778695a4b3c2d1e0f', token: 'spamtest', encodingAESKey: 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG' }; // prettier-ignore
const app = { appId: 'wx2c2769f8efd9abc2', ...secrets };
const corp = { ...secrets, corpId: 'wx5823bf96d3bd56c7', secret: 'secret', openKfId: 'wkAAAA' };
const seal: Seal = { ...secrets, receiverId: app.appId };
const accounts = (<[string, string, object, Seal][]>[
  ['safe', 'wechat-official', { ...app, mode: 'safe' }, seal],
  ['compatible', 'wechat-official', { ...app, mode: 'compatible' }, { ...seal, compatible: true }],
  ['mini', 'wechat-mini-program', { ...app, mode: 'compatible' }, { ...seal, compatible: true }],
  ['kf', 'wecom-kf', corp, { ...seal, receiverId: corp.corpId, family: 'wecom' }],
]).map(([id, type, given, guard]) => {
  const adapter = builtinAdapters.find((one) => one.type === type)!;
  return { id, type, adapter, config: adapter.config.parse(given), seal: guard, enabled: true };
});

const common = { ToUserName: 'gh_1', FromUserName: 'oyORnuP8q7ou2gfYjqLzSIWZf0rs', CreateTime: 1_409_735_668 };
const texts: readonly string[] = [
  xmlOf({ ...common, MsgType: 'text', Content: '你好 /::) <b> 👋', MsgId: '6054768590064713728' }),
  xmlOf({ ...common, MsgType: 'event', Event: 'subscribe', EventKey: 'qrscene_1', Ticket: 't' }),
  `<xml><FromUserName>a</FromUserName><CreateTime>1</CreateTime><MsgType>event</MsgType><Event>x</Event><L><I><A>&#65;</A></I><I/></L></xml>`,
  `{"FromUserName":"o1","CreateTime":1409735668,"MsgType":"text","Content":"hi","MsgId":6054768590064713729,"a":[{"b":1}]}`,
];

describeOnEveryDatabase('callbacks of WeChat that somebody changed on their way', (open) => {
  let database: Database;
  let server: FastifyInstance;
  let pool: Pool;

  beforeAll(async () => {
    database = await open(STORE);
    for (const { id, type } of accounts)
      await database.query(
        `insert into account (id, type, name, config, continuity, hosted) values ($1, $2, $1, '{}', 'contact', false)`,
        [id, type],
      );
    const log = pino({ level: 'silent' });
    const metrics = new Metrics();
    const account = (id: string) => accounts.find((one) => one.id === id);
    const directory = { account, broken: () => new Map() } as unknown as Directory;
    const live = { typing: () => undefined };
    const arrivals = new Arrivals({ database, intake: new Intake(database), metrics, log, live });
    const webhooks = new Webhooks({
      ...{ directory, arrivals, metrics, log, publicUrl: 'https://gateway.example' },
      gate: new FailureGate(Infinity),
      ...{ wake: () => undefined, trace: () => undefined, heard: () => undefined },
    });
    server = fastify();
    routeEndpoint(server, '/channels', { open: webhooks.open, room: new BodyRoom(64 * 1_048_576) });
    pool = new Pool(await server.listen({ port: 0, host: '127.0.0.1' }), { connections: SENDERS, pipelining: 1 });
  });
  afterAll(async () => {
    await pool?.close();
    await server?.close();
    await database?.close();
  });

  /** What WeChat sends to an account. */
  const genuine = ({ seal: guard }: (typeof accounts)[number], body: string) =>
    sealed(rawRequest({ method: 'POST', body }), guard, Date.now());

  async function post(id: string, { query }: { query: URLSearchParams }, body: Buffer): Promise<string> {
    const path = `/channels/${id}?${query.toString()}`;
    const { statusCode, body: said } = await pool.request({ method: 'POST', path, body, reset: body.length > MAX_BYTES });
    return `${statusCode} ${statusCode === 200 ? await said.text() : (await said.dump(), '')}`.trim();
  } // prettier-ignore

  /** How many rows each table has. */
  async function rows(): Promise<Record<string, number>> {
    const tables = await database.query<{ name: string }>(
      `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE' order by 1`,
    );
    const counts = tables.map(({ name }) => `select '${name}' as name, count(*)::int as count from "${name}"`);
    const counted = await database.query<{ name: string; count: number }>(counts.join(' union all '));
    return Object.fromEntries(counted.map(({ name, count }) => [name, count]));
  }

  it(
    `are refused, or are what was stored before: ${BODIES} of them leave no row`,
    async () => {
      for (const account of accounts)
        for (const text of texts) {
          const request = genuine(account, text);
          expect(await post(account.id, request, request.body)).toMatch(/^200/);
        }
      const before = await rows();
      expect(before['message']).toBe(10);

      const chance = random(SEED);
      const answers: Record<string, number> = {};
      let made = 0;
      const send = async (): Promise<void> => {
        while (made < BODIES) {
          const number = (made += 1);
          const account = accounts[Math.floor(chance() * accounts.length)]!;
          const request = genuine(account, texts[Math.floor(chance() * texts.length)]!);
          const bodies = chance() < 0.1 ? hostileBodies(request.body, 4_096).map((one) => one.body) : [request.body];
          const body = bodies[Math.floor(chance() * bodies.length)]!;
          const changed = mutated(body, chance, { seeds: texts.map((text) => Buffer.from(text)), maxBytes: MAX_BYTES });
          const large = number % OVERSIZE === 0 ? [changed, Buffer.alloc(MAX_BYTES, ' ')] : [changed];
          const answer = await post(account.id, request, Buffer.concat(large)).catch((error: unknown) => {
            const what = `body ${number} of seed ${SEED} (${changed.toString('base64').slice(0, 2_000)})`;
            throw new Error(what, { cause: error });
          });
          answers[answer] = (answers[answer] ?? 0) + 1;
        }
      };
      await Promise.all(Array.from({ length: SENDERS }, send));
      expect(Object.keys(answers).sort()).toEqual(['200', '200 success', '401', '413']);
      expect(answers['401']).toBeGreaterThan(BODIES / 4);
      expect(isPolluted()).toBe(false);
      expect(await rows()).toEqual(before);

      const [account] = accounts;
      const last = genuine(account!, texts[0]!.replace('6054768590064713728', '6054768590064713799'));
      expect(await post('safe', last, last.body)).toBe('200 success');
      expect((await rows())['message']).toBe(11);
    },
    Math.max(120_000, BODIES * 5),
  );
});
