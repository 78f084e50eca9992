import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { describeWithPostgres, expectPromisesKept, stopEverything, until } from '../support/index.js';
import { Cluster } from './support/cluster.js';

jest.setTimeout(120_000);

/** Nearly five minutes: at five, the signatures of others, which bear their time, are refused. */
const OFF_S = 290;

/** A process whose clock is off from that of the database; what measures lengths of time is not. */
function off(seconds: number): Record<string, string> {
  const code = `const Real=Date,ms=${seconds * 1_000};globalThis.Date=new Proxy(Real,{
    construct:(of,given,as)=>Reflect.construct(of,given.length?given:[Real.now()+ms],as),
    apply:()=>new Real(Real.now()+ms).toString(),
    get:(of,key)=>key==='now'?()=>Real.now()+ms:of[key]})`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` };
}

describeWithPostgres('processes whose clocks are off from that of the database', (postgres) => {
  let cluster: Cluster;
  let sql: pg.Client;
  beforeAll(async () => {
    const databaseUrl = await postgres.database();
    sql = await postgres.connect(databaseUrl);
    cluster = await Cluster.start({ databaseUrl, processes: [off(0), off(OFF_S), off(-OFF_S)] });
  });
  afterAll(async () => {
    await cluster?.stop();
    await stopEverything();
  });

  /** Who holds what: it changes where a lease is taken from somebody who lives. */
  async function holders(): Promise<unknown> {
    const { rows } = await sql.query(`select name, holder, token from lease where name like 'outbox:%' order by name`);
    return rows;
  }

  it('take nothing from each other, try again in time, and send what has a time neither early nor late', async () => {
    const { stage, gateways } = cluster;
    await until('fair shares', async () => new Set(((await holders()) as { holder: string }[]).map(({ holder }) => holder)).size === 3); // prettier-ignore
    const conversation = await stage.conversation({ id: 'clock-0', thread: 'clock' });
    const before = await holders();

    const dues = new Map<string, number>();
    for (const [n, gateway] of gateways.entries()) {
      const due = Date.now() + 3_000 + n * 200;
      const body = { text: `due ${n}`, sendAt: new Date(due).toISOString() };
      expect((await gateway.api.post(`/v1/conversations/${conversation}/messages`, body)).status).toBe(202);
      dues.set(body.text, due);
    }
    const sent = new Map<string, number>();
    stage.provider.answer(({ json }) => void sent.set(json.text, Date.now()));

    for (let n = 0; n < 60; n += 1) {
      stage.helpdesk.next(({ json }) => json.data?.message?.text === `text of off-${n}`, () => ({ status: 503 })); // prettier-ignore
      const poster = stage.posterTo(gateways[n % 3]!);
      stage.acknowledged.set(`off-${n}`, await poster.write({ id: `off-${n}`, thread: `off-${n % 20}` }));
    }
    await until('everything that was due', () => sent.size === dues.size, 15_000);
    for (const [text, due] of dues) expect(sent.get(text)! - due).toBeGreaterThanOrEqual(0);
    await expectPromisesKept(stage);
    await delay(6_000);
    expect(await holders()).toEqual(before);
    const { requests, taken } = stage.helpdesk;
    const offs = requests.map(({ headers }) => Number(headers['webhook-timestamp']) - Date.now() / 1_000);
    for (const is of [Math.max(...offs) > OFF_S / 2, Math.min(...offs) < -OFF_S / 2]) expect(is).toBe(true);
    const again = requests.filter(({ attempt, json }) => attempt > 1 && json.type === 'message.received');
    expect(new Set(again.map(({ id }) => id)).size).toBe(60);
    expect(requests.length - taken.length).toBe(60);
  });
});
