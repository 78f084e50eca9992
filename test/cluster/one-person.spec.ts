import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type pg from 'pg';
import { describeWithPostgres, message, stopEverything } from '../support/index.js';
import { Cluster } from './support/cluster.js';

jest.setTimeout(300_000);

const MESSAGES = 10_000;
const AT_ONCE = 90;
const SPELLINGS = ['+86 138 0013 8000', '008613800138000', 'tel:+86-138-0013-8000', '+８６13800138000', '13800138000'];

/** As providers do: whatever was not taken comes again. */
async function stubbornly<T>(post: () => Promise<T>, left = 5): Promise<T> {
  try {
    return await post();
  } catch (error) {
    if (left === 0) throw error;
    return stubbornly(post, left - 1);
  }
}

describeWithPostgres('one person who writes ten thousand times before anybody knows them', (postgres) => {
  let cluster: Cluster;
  let sql: pg.Client;

  beforeAll(async () => {
    const databaseUrl = await postgres.database();
    sql = await postgres.connect(databaseUrl);
    cluster = await Cluster.start({ databaseUrl, settings: { identity: { country: 'CN' } } });
  });
  afterAll(async () => {
    await cluster?.stop();
    await stopEverything();
  });

  it('is one contact with one conversation, through three processes and in five spellings of the number', async () => {
    const { stage, gateways } = cluster;
    const posters = gateways.map((gateway) => stage.posterTo(gateway));
    let next = 0;
    const sender = async () => {
      for (let n = next++; n < MESSAGES; n = next++) {
        const id = `first-${n}`;
        const phone = SPELLINGS[n % SPELLINGS.length]!;
        await stubbornly(() => posters[n % 3]!.write({ id, thread: `thread-${n % 40}`, phone }));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, sender));
    const count = async (query: string) =>
      Number((await sql.query<{ n: string }>(`select count(*) as n from ${query}`)).rows[0]!.n);
    expect(await count('contact')).toBe(1);
    expect(await count(`handle where value = '+8613800138000'`)).toBe(1);
    expect(await count('conversation')).toBe(1);
    expect(await count('message')).toBe(MESSAGES);
    expect(await count(`event where type = 'contact.created'`)).toBe(1);
    const { rows } = await sql.query<{ n: string; last: number }>(
      `select count(*) as n, max(sequence) as last from event where conversation_id is not null`,
    );
    expect(rows[0]).toEqual({ n: String(MESSAGES + 1), last: MESSAGES + 1 }); // it was opened, too
  });

  it('is still one when two accounts prove two of their addresses to be one at the same moment', async () => {
    const { stage, gateways } = cluster;
    const posters = gateways.map((gateway) => stage.posterTo(gateway));
    const both = (n: number, handles: { scheme: string; value: string }[]) => ({
      ...message({ id: `both-${n}`, thread: `both-${n}`, text: 'it is me' }),
      sender: { handles },
    });
    const phone = { scheme: 'phone', value: '+8613911110000' };
    const email = { scheme: 'email', value: 'li@example.com' };
    await posters[0]!.post(both(0, [phone]));
    await posters[1]!.post(both(1, [email]));
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, n) => posters[n % 3]!.post(both(n + 2, n % 2 ? [phone, email] : [email, phone]))),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(60).fill(200));
    const { rows } = await sql.query<{ value: string; contact_id: string }>(
      `select value, contact_id from handle where value in ($1, $2)`,
      [phone.value, email.value],
    );
    expect(new Set(rows.map((row) => row.contact_id)).size).toBe(1);
    expect((await sql.query('select 1 from merge where undone_at is null')).rows).toHaveLength(1);
    expect(
      (
        await sql.query(`select 1 from thread t where t.external_id like 'both-%' and t.contact_id <> $1`, [
          rows[0]!.contact_id,
        ])
      ).rows,
    ).toEqual([]);
  });
});
