import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import type pg from 'pg';
import {
  describeWithPostgres,
  expectPromisesKept,
  message,
  signed,
  stopEverything,
  until,
  type Gateway,
} from '../support/index.js';
import { Cluster } from './support/cluster.js';
import { Visitor } from './support/visitor.js';

jest.setTimeout(120_000);

/** A lease stands for 15 s, and what it guarded is taken over within one more. */
const TAKEOVER_MS = 16_000;
const VISITOR_LIMIT = 16;

describeWithPostgres('three processes on one database', (postgres) => {
  let cluster: Cluster;
  let sql: pg.Client;
  const visitors: Visitor[] = [];

  beforeAll(async () => {
    const databaseUrl = await postgres.database();
    sql = await postgres.connect(databaseUrl);
    const settings = { limits: { visitorMessagesPerMinute: VISITOR_LIMIT } };
    cluster = await Cluster.start({ databaseUrl, settings });
  });
  afterEach(() => visitors.splice(0).forEach((visitor) => visitor.close()));
  afterAll(async () => {
    await cluster?.stop();
    await stopEverything();
  });

  async function visitorAt({ url }: { url: string }, before?: Visitor): Promise<Visitor> {
    const visitor = await Visitor.open(url, before);
    visitors.push(visitor);
    return visitor;
  }
  const conversationOf = async (messageId: string) => (await cluster.stage.message(messageId)).conversationId;
  /** Leases that a process holds, also one that is gone. */
  async function leasesOf({ pid }: Gateway): Promise<string[]> {
    const found = await sql.query<{ name: string }>(
      `select name from lease where split_part(holder, ':', 2) = $1 and expires_at > clock_timestamp()`, [String(pid)]); // prettier-ignore
    return found.rows.map(({ name }) => name);
  }

  it('share the outbox between them', async () => {
    const shares = () => Promise.all(cluster.gateways.map(async (gateway) => (await leasesOf(gateway)).filter((name) => name.startsWith('outbox:')).length)); // prettier-ignore
    await until('fair shares', async () => {
      const counts = await shares();
      return counts.every((count) => count >= 20) && counts.reduce((sum, count) => sum + count) === 64;
    });
  });

  it('store one callback that comes a hundred times at once over all of them once, and say so a hundred times', async () => {
    const { stage, gateways } = cluster;
    const body = JSON.stringify(message({ id: 'hundredfold', thread: 'hundredfold' }));
    const headers = signed(body, { secret: stage.secrets.app });
    const posters = gateways.map((gateway) => stage.posterTo(gateway));
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => posters[i % 3]!.raw(body, headers)));
    expect(answers.map(({ status }) => status)).toEqual(Array(100).fill(200));
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    stage.acknowledged.set('hundredfold', answers[0]!.id!);
    const stream = await expectPromisesKept(stage);
    expect(stream.filter(({ data }) => data?.message?.externalIds[0] === 'hundredfold')).toHaveLength(1);
  });

  it('show a customer of one what an agent writes through another, and that they type', async () => {
    const [one, other, third] = cluster.gateways as [Gateway, Gateway, Gateway];
    const customer = await visitorAt(one);
    const tab = await visitorAt(third, customer);
    const conversation = await conversationOf((await customer.say('question'))!);
    const typing = await other.api.post(`/v1/conversations/${conversation}/typing`, { on: true, name: 'Lin' });
    expect(typing.status).toBe(204);
    for (const browser of [customer, tab])
      expect(await browser.until('typing')).toEqual({ type: 'typing', on: true, name: 'Lin' });
    const { status } = await other.api.post(`/v1/conversations/${conversation}/messages`, { text: 'answer' });
    expect(status).toBe(202);
    for (const browser of [customer, tab])
      await browser.until('the answer', (frame) => frame.type === 'message' && frame.text === 'answer');
    expect(tab.texts).toEqual(['question', 'answer']);
  });

  it('let one visitor write so much in all of them together', async () => {
    const first = await visitorAt(cluster.gateways[0]!);
    const tabs = [first, await visitorAt(cluster.gateways[1]!, first), await visitorAt(cluster.gateways[2]!, first)];
    let taken = 0;
    for (let n = 0; n < 3 * VISITOR_LIMIT; n += 1) if ((await tabs[n % 3]!.say(`m${n}`)) !== undefined) taken += 1;
    expect(taken).toBeGreaterThanOrEqual(VISITOR_LIMIT);
    expect(taken).toBeLessThan(2 * VISITOR_LIMIT);
  });

  it('are restarted one by one under load, and nobody is refused for longer than a second', async () => {
    const { stage, gateways, balancer } = cluster;
    const conversation = await stage.conversation({ id: 'rolling-0', thread: 'rolling' });
    let customer = await visitorAt(balancer);
    expect(await customer.say('before')).toBeDefined();
    const load = cluster.load('rolling').start().answering(conversation);
    for (const gateway of gateways) {
      const stopping = gateway.stop();
      const { code, signal, output } = await stopping;
      expect([code, signal]).toEqual([0, null]);
      expect(output).not.toMatch(/took too long|went wrong/);
      expect(await leasesOf(gateway)).toEqual([]);
      await gateway.start();
      if (customer.closed !== undefined) {
        expect(customer.closed).toBe(1012);
        customer = await visitorAt(balancer, customer);
      }
    }
    expect(await load.stop()).toBeGreaterThan(100);
    expect(load.longestMs).toBeLessThanOrEqual(1_000);
    expect(await customer.say('after')).toBeDefined();
    await expectPromisesKept(stage);
    expect([...stage.provider.texts].sort()).toEqual([...load.answers].sort());
  });

  it('give everything back at a stop with two hundred requests under way, and answer all of them', async () => {
    const { stage, gateways } = cluster;
    const leaving = gateways[1]!;
    const from = stage.helpdesk.requests.length;
    const poster = stage.posterTo(leaving);
    const twoHundred = (name: string) =>
      Array.from({ length: 200 }, async (_, n) => {
        const writing = { id: `${name}-${n}`, thread: `stop-${n % 20}` };
        stage.acknowledged.set(writing.id, await poster.write(writing));
      });
    // Connections that wait to be accepted are not under way yet: these are kept for the next two hundred.
    await Promise.all(twoHundred('before'));
    const posts = twoHundred('stop');
    const reader = leaving.api.get('/v1/events?wait=30&types=account.degraded');
    await Promise.race(posts);
    const asked = performance.now();
    const { code } = await leaving.stop();
    expect(performance.now() - asked).toBeLessThan(10_000);
    expect(code).toBe(0);
    await Promise.all(posts);
    expect((await reader).status).toBe(200);
    expect(await leasesOf(leaving)).toEqual([]);
    await leaving.start();
    await expectPromisesKept(stage);
    const ids = stage.helpdesk.requests.slice(from).map(({ id }) => id);
    expect(ids.length).toBe(new Set(ids).size);
  });

  it('are killed in turn under load: the others take over when the lease ends, and nothing is lost', async () => {
    const { stage, gateways } = cluster;
    const load = cluster.load('killed').start();
    let orphans: string[] = [];
    for (const gateway of gateways) {
      await gateway.kill9();
      orphans = [...stage.acknowledged.values()];
      if (gateway !== gateways.at(-1)) await gateway.start();
    }
    const taken = () => {
      const got = new Set(stage.helpdesk.of('message.received').map(({ data }) => data?.message?.id));
      return orphans.every((id) => got.has(id));
    };
    await until('what the dead processes had', taken, TAKEOVER_MS);
    await gateways.at(-1)!.start();
    await load.stop();
    await expectPromisesKept(stage);
  });
});
